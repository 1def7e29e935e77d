"use strict";
// Spikes of a population, and their statistics in a window a < t <= b. Times are ticks after the start of the data.

async function loadedPopulation(entry) {
  const delta = await unpacked(entry.delta);
  const ticks = new Float64Array(delta.length); // whole numbers, exact up to 2^53
  let now = 0;
  for (let k = 0; k < delta.length; k++) ticks[k] = now += delta[k];
  return {
    ...entry,
    ticks,
    train: await unpacked(entry.train),
    rows: entry.rows && (await unpacked(entry.rows)),
    ids: entry.ids && (await unpacked(entry.ids)),
    density: entry.density && { ...entry.density, counts: await unpacked(entry.density.counts) },
    shown: true,
  };
}

function firstAfter(ticks, limit) {
  let low = 0;
  let high = ticks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ticks[middle] > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

// The spikes of a window: [first, end). At the very start, spikes on the limit itself belong to it, as in files of other tools.
function spikesIn(ticks, a, b) {
  return [a <= 0 ? 0 : firstAfter(ticks, a), firstAfter(ticks, b)];
}

// As lifsim.analysis: rates over all trains, CV over trains with enough intervals, Fano factor of the population's counts.
function windowStatistics(population, a, b, { tick, bin, leastIntervals }) {
  const { ticks, train, trains } = population;
  const [first, end] = spikesIn(ticks, a, b);
  const counts = new Uint32Array(trains);
  const begun = new Float64Array(trains);
  const last = new Float64Array(trains);
  for (let k = first; k < end; k++) {
    const i = train[k];
    if (counts[i]++ === 0) begun[i] = ticks[k];
    last[i] = ticks[k];
  }
  return {
    spikes: end - first,
    ...rateOf(counts, ((b - a) * tick) / 1000),
    ...cvOf(population, first, end, counts, begun, last, leastIntervals),
    fano: fanoOf(ticks, first, end, a, b, bin / tick),
  };
}

function rateOf(counts, seconds) {
  const n = counts.length;
  if (!n || !(seconds > 0)) return { rate: NaN, rateSd: NaN };
  let sum = 0;
  for (const count of counts) sum += count;
  const mean = sum / n;
  let squares = 0;
  for (const count of counts) squares += (count - mean) ** 2;
  return { rate: mean / seconds, rateSd: Math.sqrt(squares / n) / seconds };
}

function cvOf({ ticks, train }, first, end, counts, begun, last, leastIntervals) {
  const before = new Float64Array(counts.length).fill(-1);
  const squares = new Float64Array(counts.length);
  for (let k = first; k < end; k++) {
    const i = train[k];
    if (before[i] >= 0) squares[i] += (ticks[k] - before[i] - (last[i] - begun[i]) / (counts[i] - 1)) ** 2;
    before[i] = ticks[k];
  }
  let sum = 0;
  let neurons = 0;
  for (let i = 0; i < counts.length; i++) {
    const n = counts[i] - 1;
    const mean = (last[i] - begun[i]) / n;
    if (n < leastIntervals || !(mean > 0)) continue;
    const cv = Math.sqrt(squares[i] / n) / mean;
    sum += cv < 1e-9 ? 0 : cv; // equal intervals
    neurons += 1;
  }
  return { cv: neurons ? sum / neurons : NaN, cvNeurons: neurons };
}

function fanoOf(ticks, first, end, a, b, width) {
  const bins = Math.floor((b - a) / width + 1e-6);
  if (bins < 1) return NaN;
  const counts = new Float64Array(bins);
  for (let k = first; k < end; k++) {
    const index = Math.max(0, Math.ceil((ticks[k] - a) / width - 1e-9) - 1); // bins hold their end, not their start
    if (index < bins) counts[index] += 1;
  }
  let sum = 0;
  for (const count of counts) sum += count;
  const mean = sum / bins;
  let squares = 0;
  for (const count of counts) squares += (count - mean) ** 2;
  return mean > 0 ? squares / bins / mean : NaN;
}
