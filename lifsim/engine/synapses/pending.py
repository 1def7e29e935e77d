"""Makes the spikes of the last steps pending again, after their synapses were packed anew or a state was restored."""

from __future__ import annotations

import numpy as np

from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.synapses.delivery import END, HEADER, admit, length_at, segment_end


@Part
def set_out_again(m, b, now):
    """Make the spikes in the ring pending for block `b`, with their cursors where they are at the end of step `now`."""
    y, ring, under = read(m)
    slots = ring.number.shape[0]
    for sent in range(max(1, now - slots + 1), now - y.delay[0] + 1):
        k = sent % slots
        admit(y, ring, under, b, k)
        for c in range(len(y.channel)):
            for i in range(under.begin[b, c, k], under.begin[b, c, k] + under.number[b, c, k]):
                for j in range(len(y.delay)):
                    n = np.int64(under.length[b, c, i])
                    if sent + y.delay[j] <= now and n != END:
                        a = segment_end(y.weight, under.at[b, c, i], n)
                        under.at[b, c, i], under.length[b, c, i] = a + HEADER, length_at(y.target, a)
