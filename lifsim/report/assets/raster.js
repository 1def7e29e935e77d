"use strict";
// The raster: every pixel counts the spikes in it, so that a million of them take a few milliseconds and show their density.

class Raster {
  constructor(populations, column) {
    this.populations = populations;
    this.column = column; // width of a cell of the densities in ticks
    this.canvas = document.createElement("canvas");
    this.arrange();
  }

  // Stacks the bands of the populations that are shown, from 1 down to 0; small ones get a twelfth of the largest.
  arrange() {
    const shown = this.populations.filter((p) => p.shown);
    const least = Math.max(1, ...shown.map((p) => p.recorded)) / 12;
    const sizes = shown.map((p) => Math.max(p.recorded, least));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    let top = 1;
    this.bands = shown.map((population, k) => {
      const band = { population, top, bottom: k === shown.length - 1 ? 0 : top - sizes[k] / total };
      top = band.bottom;
      return band;
    });
  }

  // What lies at a height: {population, row, id}; null between bands.
  at(height) {
    const band = this.bands.find(({ top, bottom }) => height <= top && height > bottom);
    if (!band || !band.population.recorded) return null;
    const { population, top, bottom } = band;
    const row = Math.min(population.recorded - 1, Math.floor(((top - height) / (top - bottom)) * population.recorded));
    return { population, row, id: population.ids ? population.ids[row] : row };
  }

  draw(u, view) {
    const { left, top, width, height } = u.bbox;
    const frame = { width: Math.round(width), height: Math.round(height) };
    if (!(frame.width > 0 && frame.height > 0)) return;
    this.resize(frame);
    this.counts.fill(0);
    const drawn = this.bands.map((band) => this.place(band, view, frame)).filter((part) => part.to > part.from);
    const coarse = this.column * (frame.width / (view.b - view.a)) < 3 * devicePixelRatio; // cells are smaller than three dots
    const dot = this.dotSize(view, frame);
    for (const part of drawn) {
      if (part.band.population.density && coarse) this.countCells(part, view);
      else this.countSpikes(part, view, dot);
    }
    this.title = this.titleOf(coarse);
    this.colour(drawn);
    u.ctx.save(); // uPlot remembers the style that it set last
    u.ctx.drawImage(this.canvas, Math.round(left), Math.round(top));
    u.ctx.fillStyle = pageColour("line");
    for (const part of drawn) if (part.band !== this.bands[0]) u.ctx.fillRect(left, top + part.high, width, devicePixelRatio);
    u.ctx.restore();
  }

  titleOf(coarse) {
    if (!this.populations.some((p) => p.density)) return "Spikes: a row for each neuron";
    if (coarse) return "Density of all spikes: a row for each neuron";
    const [trains, recorded] = ["trains", "recorded"].map((key) => this.bands.reduce((sum, { population }) => sum + population[key], 0));
    return `Spikes of ${trains.toLocaleString("en")} of ${recorded.toLocaleString("en")} neurons: a row for each neuron`;
  }

  resize({ width, height }) {
    if (this.canvas.width === width && this.canvas.height === height && this.counts) return;
    Object.assign(this.canvas, { width, height });
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.counts = new Float32Array(width * height);
  }

  // Where a band lies in pixels: `high` to `deep`, of which the rows `from` to `to` are in view.
  place(band, view, { width, height }) {
    const y = (h) => ((view.high - h) / (view.high - view.low)) * height;
    const [high, deep] = [y(band.top), y(band.bottom)];
    const [from, to] = [high, deep].map((edge) => Math.min(height, Math.max(0, Math.round(edge))));
    return { band, high, deep, from, to, width, perTick: width / (view.b - view.a) };
  }

  // Dots are as large as their number allows, in pixels.
  dotSize(view, { width, height }) {
    const number = this.bands.reduce((sum, { population }) => {
      const [first, end] = spikesIn(population.ticks, view.a, view.b);
      return sum + end - first;
    }, 0);
    const free = Math.sqrt((0.15 * width * height) / Math.max(1, number * (view.high - view.low)));
    return Math.round(Math.min(Math.max(1, free), 2 * devicePixelRatio));
  }

  // Strokes instead of dots where rows are few.
  countSpikes({ band, high, deep, from, to, width, perTick }, view, wide) {
    const { ticks, train, rows, recorded } = band.population;
    const counts = this.counts;
    const [first, end] = spikesIn(ticks, view.a - 2 / perTick, view.b);
    const perRow = (deep - high) / recorded;
    const tall = Math.round(Math.min(Math.max(wide, 0.7 * perRow), 14 * devicePixelRatio));
    const shift = Math.max(0, perRow - tall) / 2;
    for (let k = first; k < end; k++) {
      const row = rows ? rows[train[k]] : train[k];
      const x = Math.floor((ticks[k] - view.a) * perTick - 1e-6);
      const y = Math.floor(high + row * perRow + shift);
      const x1 = Math.min(width, x + wide);
      const y1 = Math.min(to, y + tall);
      for (let v = Math.max(from, y); v < y1; v++) for (let h = Math.max(0, x); h < x1; h++) counts[v * width + h] += 1;
    }
  }

  // The mean count of the cells in each pixel: means of whole cells make no stripes where pixels and cells do not match.
  countCells({ band, high, deep, from, to, width, perTick }, view) {
    const { counts, rows, columns, neurons } = band.population.density;
    const perCell = ((deep - high) / band.population.recorded) * neurons;
    const edge = (x) => Math.min(columns, Math.floor((view.a + x / perTick) / this.column));
    for (let v = from; v < to; v++) {
      const r0 = Math.min(rows - 1, Math.max(0, Math.floor((v - high) / perCell)));
      const r1 = Math.min(rows, Math.max(r0 + 1, Math.floor((v + 1 - high) / perCell)));
      for (let h = 0; h < width; h++) {
        const c0 = Math.min(columns - 1, edge(h));
        const c1 = Math.max(c0 + 1, edge(h + 1));
        let sum = 0;
        for (let r = r0; r < r1; r++) for (let c = c0; c < c1; c++) sum += counts[r * columns + c];
        this.counts[v * width + h] = sum / ((r1 - r0) * (c1 - c0));
      }
    }
  }

  // Shades grow with the square root of the counts, up to the largest but for a two-hundredth of the pixels. The fewer pixels hold
  // spikes, the darker single ones are.
  colour(parts) {
    this.pixels.fill(0);
    const counts = this.counts;
    const [full, filled] = this.fullCount();
    const least = Math.max(0.12, 0.65 - 2 * filled);
    for (const { band, from, to, width } of parts) {
      const [r, g, b] = visible(band.population.colour);
      const solid = (b << 16) | (g << 8) | r;
      for (let k = from * width; k < to * width; k++) {
        const count = counts[k];
        if (count > 0) this.pixels[k] = ((255 * Math.max(least, Math.sqrt(Math.min(1, count / full)))) << 24) | solid;
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }

  // The count of the full colour, and the share of the pixels that hold spikes.
  fullCount() {
    const some = new Float32Array(20000);
    const step = Math.ceil(this.counts.length / some.length) | 1; // odd: not always the same columns
    let n = 0;
    for (let k = 0; k < this.counts.length; k += step) if (this.counts[k] > 0) some[n++] = this.counts[k];
    const full = n ? some.subarray(0, n).sort()[Math.floor(0.995 * (n - 1))] : 1;
    return [full, (n * step) / Math.max(1, this.counts.length)];
  }
}
