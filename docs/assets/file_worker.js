// The search runs in a Worker, which browsers refuse to pages that are opened as files. There, a hidden frame takes its place.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      addEventListener("message", (event) => {
        if (event.source === inside) this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      inside.document.open();
      inside.document.write("<!doctype html><body></body>");
      inside.document.close();
      const send = inside.postMessage.bind(inside); // before the frame's postMessage answers to this page
      inside.eval('postMessage = (data) => parent.postMessage(data, "*")'); // said by the frame itself, the source of the message
      this.ready = new Promise((resolve) => {
        const program = inside.document.createElement("script");
        program.onload = resolve;
        program.src = address;
        inside.document.body.append(program);
      });
      this.postMessage = (data) => this.ready.then(() => send(data, "*"));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
