"""BibTeX entries: of lifsim, of the scheme of the tables, and of the papers of the shipped models."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lifsim.common.printable import one_line
from lifsim.common.version import __version__

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{}]+")
_NORDLIE = "10.1371/journal.pcbi.1000456"
_PAPERS: Mapping[str, tuple[str, dict[str, str]]] = {
    _NORDLIE: (
        "Nordlie2009",
        {
            "author": "Nordlie, Eilen and Gewaltig, Marc-Oliver and Plesser, Hans Ekkehard",
            "title": "Towards Reproducible Descriptions of Neuronal Network Models",
            "journal": "PLoS Computational Biology",
            "year": "2009",
            "volume": "5",
            "number": "8",
            "pages": "e1000456",
        },
    ),
    "10.1093/cercor/bhs358": (
        "Potjans2014",
        {
            "author": "Potjans, Tobias C. and Diesmann, Markus",
            "title": "The Cell-Type Specific Cortical Microcircuit: Relating Structure and Activity in a Full-Scale Spiking Network Model",
            "journal": "Cerebral Cortex",
            "year": "2014",
            "volume": "24",
            "number": "3",
            "pages": "785--806",
        },
    ),
    "10.1023/A:1008925309027": (
        "Brunel2000",
        {
            "author": "Brunel, Nicolas",
            "title": "Dynamics of Sparsely Connected Networks of Excitatory and Inhibitory Spiking Neurons",
            "journal": "Journal of Computational Neuroscience",
            "year": "2000",
            "volume": "8",
            "number": "3",
            "pages": "183--208",
        },
    ),
    "10.1007/s10827-007-0038-6": (
        "Brette2007",
        {
            "author": "Brette, Romain and Rudolph, Michelle and Carnevale, Ted and Hines, Michael and others",
            "title": "Simulation of Networks of Spiking Neurons: A Review of Tools and Strategies",
            "journal": "Journal of Computational Neuroscience",
            "year": "2007",
            "volume": "23",
            "number": "3",
            "pages": "349--398",
        },
    ),
    "10.1162/neco.2007.19.6.1437": (
        "Morrison2007",
        {
            "author": "Morrison, Abigail and Aertsen, Ad and Diesmann, Markus",
            "title": "Spike-Timing-Dependent Plasticity in Balanced Random Networks",
            "journal": "Neural Computation",
            "year": "2007",
            "volume": "19",
            "number": "6",
            "pages": "1437--1467",
        },
    ),
    "10.3389/fninf.2018.00075": (
        "Senk2018",
        {
            "author": "Senk, Johanna and Carde, Corto and Hagen, Espen and Kuhlen, Torsten W. and Diesmann, Markus and Weyers, Benjamin",
            "title": "{VIOLA}: A Multi-Purpose and Web-Based Visualization Tool for Neuronal-Network Simulation Output",
            "journal": "Frontiers in Neuroinformatics",
            "year": "2018",
            "volume": "12",
            "pages": "75",
        },
    ),
    "10.1038/990101": (
        "Diesmann1999",
        {
            "author": "Diesmann, Markus and Gewaltig, Marc-Oliver and Aertsen, Ad",
            "title": "Stable Propagation of Synchronous Spiking in Cortical Neural Networks",
            "journal": "Nature",
            "year": "1999",
            "volume": "402",
            "pages": "529--533",
        },
    ),
    "10.1073/pnas.94.2.719": (
        "Tsodyks1997",
        {
            "author": "Tsodyks, Misha V. and Markram, Henry",
            "title": "The Neural Code between Neocortical Pyramidal Neurons Depends on Neurotransmitter Release Probability",
            "journal": "Proceedings of the National Academy of Sciences",
            "year": "1997",
            "volume": "94",
            "number": "2",
            "pages": "719--723",
        },
    ),
    "10.1126/science.1211095": (
        "Vogels2011",
        {
            "author": "Vogels, Tim P. and Sprekeler, Henning and Zenke, Friedemann and Clopath, Claudia and Gerstner, Wulfram",
            "title": "Inhibitory Plasticity Balances Excitation and Inhibition in Sensory Pathways and Memory Networks",
            "journal": "Science",
            "year": "2011",
            "volume": "334",
            "number": "6062",
            "pages": "1569--1573",
        },
    ),
    "10.1038/78829": (
        "Song2000",
        {
            "author": "Song, Sen and Miller, Kenneth D. and Abbott, L. F.",
            "title": "Competitive {H}ebbian Learning through Spike-Timing-Dependent Synaptic Plasticity",
            "journal": "Nature Neuroscience",
            "year": "2000",
            "volume": "3",
            "number": "9",
            "pages": "919--926",
        },
    ),
    "10.1523/JNEUROSCI.20-01-j0003.2000": (
        "Tsodyks2000",
        {
            "author": "Tsodyks, Misha and Uziel, Asher and Markram, Henry",
            "title": "Synchrony Generation in Recurrent Networks with Frequency-Dependent Synapses",
            "journal": "Journal of Neuroscience",
            "year": "2000",
            "volume": "20",
            "number": "1",
            "pages": "RC50",
        },
    ),
}


def bibtex(reference: str) -> str:
    """BibTeX entries of a model's reference (if its DOI is that of a shipped model; any other one as it is), the scheme, and lifsim."""
    found = _DOI.search(reference)
    entries = []
    if found and found[0] in _PAPERS:
        entries.append(_paper(found[0]))
    elif reference:
        more = {"doi": found[0]} if found else {}
        entries.append(_entry("misc", "model", {"note": _escaped(reference), **more}))
    entries.append(_paper(_NORDLIE))
    title = "lifsim: Fast Simulation of Leaky Integrate-and-Fire Networks"
    entries.append(_entry("misc", "lifsim", {"author": "{The lifsim authors}", "title": title, "note": f"Version {__version__}"}))
    return "\n\n".join(entries)


def _paper(doi: str) -> str:
    key, fields = _PAPERS[doi]
    return _entry("article", key, {**fields, "doi": doi})


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _escaped(text: str) -> str:
    """A text without what BibTeX takes for its own."""
    return re.sub(r"([%#&_$])", r"\\\1", re.sub(r"[{}\\]", "", one_line(text)))
