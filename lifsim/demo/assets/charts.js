"use strict";
// Line charts on a canvas, sharp on any screen and in the colours of the page.

function pageColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Round steps of an axis from low to high, about `most` of them.
function ticks(low, high, most) {
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= raw - 1e-12), out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}

function label(x) {
  return String(x).replace("-", "\u2212");
}

class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  // Begin a picture. axes: x, y: [low, high]; xLabel, yLabel; right: {range, label} of a second vertical axis.
  begin(axes) {
    const box = this.canvas.getBoundingClientRect(), c = this.context, scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(box.width * scale);
    this.canvas.height = Math.round(box.height * scale);
    c.setTransform(scale, 0, 0, scale, 0, 0);
    this.font = parseFloat(getComputedStyle(this.canvas).fontSize);
    c.font = `${this.font}px ${getComputedStyle(this.canvas).fontFamily}`;
    const f = this.font;
    this.left = 3.9 * f;
    this.right = box.width - (axes.right ? 4.2 * f : (axes.room || 1.9) * f);
    this.top = 0.8 * f;
    this.bottom = box.height - 3.1 * f;
    this.axes = axes;
    this.drawAxes(box);
  }

  px(x) {
    const [low, high] = this.axes.x;
    return this.left + (x - low) / (high - low) * (this.right - this.left);
  }

  py(y) {
    const [low, high] = this.axes.y;
    return this.bottom - (y - low) / (high - low) * (this.bottom - this.top);
  }

  drawAxes(box) {
    const c = this.context, f = this.font, {axes} = this;
    c.strokeStyle = pageColour("line");
    c.fillStyle = pageColour("soft");
    c.lineWidth = 1;
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const x of ticks(...axes.x, Math.max(2, Math.floor((this.right - this.left) / (4.5 * f))))) {
      this.stroke([[this.px(x), this.bottom], [this.px(x), this.bottom + 0.3 * f]]);
      c.fillText(label(x), this.px(x), this.bottom + 0.45 * f);
    }
    c.fillText(axes.xLabel, (this.left + this.right) / 2, this.bottom + 1.8 * f);
    c.textBaseline = "middle";
    c.textAlign = "right";
    for (const y of ticks(...axes.y, Math.max(2, Math.floor((this.bottom - this.top) / (2 * f))))) {
      this.stroke([[this.left - 0.3 * f, this.py(y)], [this.left, this.py(y)]]);
      c.fillText(label(y), this.left - 0.45 * f, this.py(y));
    }
    this.stroke([[this.left, this.top], [this.left, this.bottom], [this.right, this.bottom]]);
    this.upright(axes.yLabel, 0.6 * f);
    if (axes.right) this.drawRight(axes.right, box);
  }

  drawRight({range, label: text}, box) {
    const c = this.context, f = this.font, [low, high] = range;
    c.textAlign = "left";
    for (const y of ticks(Math.max(low, 0), high, Math.max(2, Math.floor((this.bottom - this.top) / (2 * f))))) {
      const at = this.bottom - (y - low) / (high - low) * (this.bottom - this.top);
      this.stroke([[this.right, at], [this.right + 0.3 * f, at]]);
      c.fillText(label(y), this.right + 0.45 * f, at);
    }
    this.stroke([[this.right, this.top], [this.right, this.bottom]]);
    this.upright(text, box.width - 0.7 * f);
  }

  upright(text, x) {
    const c = this.context;
    c.save();
    c.translate(x, (this.top + this.bottom) / 2);
    c.rotate(-Math.PI / 2);
    c.textAlign = "center";
    c.fillText(text, 0, 0);
    c.restore();
  }

  // A line through points in pixels.
  stroke(points) {
    const c = this.context;
    c.beginPath();
    points.forEach(([x, y], k) => (k ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.stroke();
  }

  // A line through the points (xs[k], ys[k]), cut at the axes.
  line(xs, ys, colour, width = 2, dash = []) {
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(this.left - 1, this.top - 1, this.right - this.left + 2, this.bottom - this.top + 2);
    c.clip();
    c.strokeStyle = pageColour(colour);
    c.lineWidth = width * this.font / 14;
    c.lineJoin = "round";
    c.setLineDash(dash);
    this.stroke(xs.map((x, k) => [this.px(x), this.py(ys[k])]));
    c.restore();
  }

  // Horizontal lines, [y, name, dash] each, with their names at the right end, one above the other where lines are close.
  levels(lines, colour) {
    let below = Infinity;
    for (const [y, name, dash] of [...lines].sort((a, b) => a[0] - b[0])) {
      this.line(this.axes.x, [y, y], colour, 1.25, dash);
      below = Math.min(this.py(y), below - 1.2 * this.font);
      this.text(name, this.right + 0.3 * this.font, below, colour, "left");
    }
  }

  // A vertical line with its name beside its top.
  mark(x, name, colour, down = 0.7) {
    this.line([x, x], this.axes.y, colour, 1.25, [2, 3]);
    const late = this.px(x) > (this.left + 2 * this.right) / 3;
    this.text(name, this.px(x) + (late ? -0.4 : 0.4) * this.font, this.top + down * this.font, colour, late ? "right" : "left");
  }

  point(x, y, colour) {
    const c = this.context;
    c.beginPath();
    c.arc(this.px(x), this.py(y), 0.5 * this.font, 0, 2 * Math.PI);
    c.fillStyle = pageColour(colour);
    c.fill();
    c.strokeStyle = pageColour("page");
    c.lineWidth = 2;
    c.stroke();
  }

  text(text, x, y, colour, align) {
    const c = this.context;
    c.fillStyle = pageColour(colour);
    c.textAlign = align;
    c.textBaseline = "middle";
    c.fillText(text, x, y);
  }
}
