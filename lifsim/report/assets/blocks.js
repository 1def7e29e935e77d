"use strict";
// The arrays of the page: base64 of DEFLATE of byte planes, as lifsim/report/blocks.py writes them.

const FORMS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

async function unpacked(reference) {
  const text = atob(document.getElementById(`block-${reference.block}`).textContent);
  const packed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const form = FORMS[reference.type];
  const size = form.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < size; plane++) {
    const from = plane * reference.length;
    for (let k = 0; k < reference.length; k++) bytes[k * size + plane] = planes[from + k];
  }
  return new form(bytes.buffer);
}
