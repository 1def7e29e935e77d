"use strict";
// Colours of populations, lighter on a dark page; colours of the page itself come from its style sheet.

const DARK = matchMedia("(prefers-color-scheme: dark)");

function channels(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

// [red, green, blue] with a luminance that stands out from the page.
function visible(colour) {
  let rgb = channels(colour);
  const luminance = () => (0.2126 * rgb[0] ** 2.2 + 0.7152 * rgb[1] ** 2.2 + 0.0722 * rgb[2] ** 2.2) / 255 ** 2.2;
  for (let k = 0; DARK.matches && luminance() < 0.25 && k < 20; k++) rgb = rgb.map((x) => x + 0.1 * (255 - x));
  return rgb.map(Math.round);
}

function css(colour) {
  return `rgb(${visible(colour).join(" ")})`;
}

function pageColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
