"use strict";
// The window in view: times a to b in ticks, heights low to high of the raster (1: its top). All plots follow it.

class View {
  constructor(ticks, grid) {
    Object.assign(this, { ticks, grid, a: 0, b: ticks, low: 0, high: 1, listeners: [] });
    this.least = Math.min(ticks, Math.max(10 * grid, ticks * 1e-7)); // the shortest window
  }

  get home() {
    return this.a <= 0 && this.b >= this.ticks && this.low <= 0 && this.high >= 1;
  }

  set(a, b, low = this.low, high = this.high) {
    [this.a, this.b] = within(a, b, this.ticks, this.least);
    [this.low, this.high] = within(low, high, 1, 1e-4);
    for (const listener of this.listeners) listener();
  }

  showAll() {
    this.set(0, this.ticks, 0, 1);
  }

  zoom(factor, at = 0.5) {
    const fixed = this.a + at * (this.b - this.a);
    this.set(fixed - (fixed - this.a) * factor, fixed + (this.b - fixed) * factor);
  }

  zoomRows(factor) {
    const middle = (this.low + this.high) / 2;
    const half = ((this.high - this.low) / 2) * factor;
    this.set(this.a, this.b, middle - half, middle + half);
  }

  move(share, rows = 0) {
    const dt = share * (this.b - this.a);
    const dy = rows * (this.high - this.low);
    this.set(this.a + dt, this.b + dt, this.low + dy, this.high + dy);
  }

  // The limits that statistics are of: the nearest multiples of the grid, at least one apart.
  limits() {
    const a = Math.max(0, Math.round(this.a / this.grid) * this.grid);
    const b = Math.min(this.ticks, Math.round(this.b / this.grid) * this.grid);
    return this.b >= this.ticks ? [a, this.ticks] : [a, Math.max(b, Math.min(a + this.grid, this.ticks))];
  }
}

// A range of at least `least`, moved and cut so that it lies within 0 and `most`.
function within(low, high, most, least) {
  const size = Math.min(most, Math.max(least, high - low));
  const middle = (low + high) / 2;
  const from = high - low < least || high - low > most ? middle - size / 2 : low;
  const start = Math.min(Math.max(0, from), most - size);
  return [start, start + size];
}
