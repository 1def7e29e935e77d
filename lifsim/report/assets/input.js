"use strict";
// Mouse, touch and keys: each becomes a call of the view.

class Input {
  constructor(view) {
    this.view = view;
  }

  showAll() {
    this.view.showAll();
  }

  // A box drawn in a plot: its times and, in the raster, its rows too if it is high enough.
  box(u) {
    const { left, top, width, height } = u.select;
    if (width < 4 && height < 4) return;
    const view = this.view;
    const across = u.over.clientWidth;
    const down = u.over.clientHeight;
    const [a, b] = width < 4 ? [view.a, view.b] : [left, left + width].map((x) => view.a + (x / across) * (view.b - view.a));
    const rows = u.cursor.drag.y && height >= 4 && height < down - 1;
    const [high, low] = rows
      ? [top, top + height].map((y) => view.high - (y / down) * (view.high - view.low))
      : [view.high, view.low];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    view.set(a, b, low, high);
  }

  listenTo(u, isRaster) {
    const over = u.over;
    over.addEventListener("wheel", (event) => this.wheel(event, over), { passive: false });
    const fingers = new Map(); // pointers that move the view: fingers, or the mouse with Shift
    const taken = (event) => event.pointerType === "touch" || (event.button === 0 && event.shiftKey);
    over.addEventListener("pointerdown", (event) => {
      if (!taken(event)) return;
      fingers.set(event.pointerId, event);
      over.setPointerCapture(event.pointerId);
    });
    over.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = [...fingers.values()];
      fingers.set(event.pointerId, event);
      this.follow(over, before, [...fingers.values()], isRaster && event.pointerType !== "touch");
    });
    for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }

  // One pointer moves; two also zoom, so that the times under them stay there.
  follow(over, before, after, rows) {
    const { left, width, height } = over.getBoundingClientRect();
    const spread = (points) => (points.length < 2 ? 0 : Math.abs(points[0].clientX - points[1].clientX));
    const middle = (points) => points.reduce((sum, p) => sum + p.clientX, 0) / points.length;
    if (after.length >= 2 && spread(before) > 5 && spread(after) > 5) {
      this.view.zoom(spread(before) / spread(after), (middle(after) - left) / width);
    }
    const dy = rows && after.length === 1 ? (after[0].clientY - before[0].clientY) / height : 0;
    this.view.move(-(middle(after) - middle(before)) / width, dy);
  }

  // The wheel zooms about the mouse; sideways, or with Shift, it moves. Where all is in view, zooming out scrolls the page.
  wheel(event, over) {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey) {
      event.preventDefault();
      this.view.move(sideways / over.clientWidth);
      return;
    }
    if (event.deltaY >= 0 && this.view.home && !event.ctrlKey) return;
    event.preventDefault();
    const { left, width } = over.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.002; // a pinch on a trackpad arrives as a slow wheel with Ctrl
    const exponent = Math.max(-1, Math.min(1, event.deltaY * lines * speed));
    this.view.zoom(Math.exp(exponent), (event.clientX - left) / width);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = this;
    const plus = event.key === "+" || event.key === "=" || event.key === "*"; // with Shift on several keyboards
    const minus = event.key === "-" || event.key === "_";
    const acts = {
      ArrowLeft: () => view.move(-0.2),
      ArrowRight: () => view.move(0.2),
      ArrowUp: () => view.move(0, 0.2),
      ArrowDown: () => view.move(0, -0.2),
      PageUp: () => view.move(-1),
      PageDown: () => view.move(1),
      Home: () => view.showAll(),
    };
    const rows = event.shiftKey && (event.code === "ArrowUp" || event.code === "ArrowDown");
    const act = rows
      ? () => view.zoomRows(event.code === "ArrowUp" ? 0.5 : 2)
      : plus
        ? () => view.zoom(0.5)
        : minus
          ? () => view.zoom(2)
          : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
