"""Small model files that are expensive to read: each kind could make a parser, a check or a message need too much time or memory.

``made(rng)`` returns a random one of up to about a hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

A = '[populations.a]\nn = 3\nmodel = "iaf_psc_exp"\n'


def _size(rng: np.random.Generator, most: float) -> int:
    """A random size up to `most`; small and large sizes are equally frequent."""
    return int(10 ** rng.uniform(0.5, np.log10(most)))


def dotted(rng: np.random.Generator) -> str:
    """Keys of many parts, in every place that allows a key."""
    part = rng.choice(["a", '"a"', "'b'", "a-1", '"."'])
    key = str(rng.choice([".", " . ", "\t.\t"])).join([part] * _size(rng, 20_000))
    forms = [
        "{} = 1",
        "[{}]\n",
        "[[{}]]\n",
        "x = {{ {} = 1 }}",
        "[run]\n{} = 1\ndt = 0.1",
        "{} = 1\n{}.b = 2",
        "x = [ {{ {} = 1 }} ]",
        "{}",
    ]
    return str(rng.choice(forms)).replace("{}", key).replace("{{", "{").replace("}}", "}")


def nested(rng: np.random.Generator) -> str:
    """Nested lists and tables, closed or not."""
    depth = _size(rng, 20_000)
    opened, closed = [("[", "]"), ("{ a = ", "}"), ("[{ a = ", "}]"), ("[[], ", "]"), ("[\n", "\n]")][rng.integers(5)]
    place = rng.choice(["x", "[parameters]\nx", "[run]\ndt", A + "positions", A + "[populations.a.params]\nV_th"])
    return f"{place} = " + opened * depth + str(rng.choice(["", "1", '"= 1"'])) + closed * int(rng.choice([depth, depth, depth // 2, 0]))


def tables(rng: np.random.Generator) -> str:
    """Many tables, known and unknown."""
    n = _size(rng, 5000)
    form = rng.choice(
        ["[t{}]", "[[projections]]", "[[record]]", "[[t]]", "[populations.p{}]", "[a.b.c{}]", '[populations.p{}]\nn = 1\nmodel = "x"']
    )
    return "\n".join(str(form).replace("{}", str(i)) for i in range(n))


def digits(rng: np.random.Generator) -> str:
    """Numbers of many digits."""
    n = _size(rng, 100_000)
    number = rng.choice(
        ["1" * n, "-" + "9" * n, "0x" + "f" * n, "0o" + "7" * n, "0b" + "1" * n, "1." + "0" * n, "1e" + "9" * n, "1_" * n + "1"]
    )
    place = rng.choice(
        ["[run]\nseed", "[run]\ndt", "[parameters]\ng", "[populations.a]\nmodel = 'iaf_psc_exp'\nn", "x", A + "[[record]]\nstart"]
    )
    return f"{place} = {number}"


def long_texts(rng: np.random.Generator) -> str:
    """Long texts as keys and values, with characters that messages and regular expressions may handle badly."""
    piece = str(
        rng.choice(["a", "\\\\n", "'", "[", "]", "\\\\u202e", '\\\\"', "µ", " ", "1.", "= ", "$", "(", "-", "x.h5:", "../"])
    ).replace("\\\\", "\\")
    text = '"' + piece * _size(rng, 60_000) + '"'
    forms = ["name = {}", "[populations.{}]\nn = 1", f"{A}[populations.a.params]\nV_th = {{}}", f"{A}[populations.a.params]\n{{}} = 1"]
    forms += [
        "[parameters]\ng = {}",
        "[parameters]\n{} = 1",
        "[populations.a]\nn = 1\nmodel = {}",
        f"{A}[[projections]]\nsource = {{}}\ntarget = 'a'",
    ]
    forms += [
        f"{A}[[record]]\npopulations = 'a'\nvariable = {{}}",
        f"[parameters]\ns = {{}}\n{A}[populations.a.params]\n" + "V_th = '= s'\n",
    ]
    return str(rng.choice(forms)).replace("{}", text)


BIG = [
    *("arange(1000000) + {i}", "outer(arange(1000), arange(1000))", "linspace(arange(1000), 1, 1000)", "lambertw(arange(100000))"),
    *("min(outer(ones(1000000), ones(1)), outer(ones(1), ones(1000000)))", "zeros(100000) < outer(ones(100000), ones(1))"),
    *("{{'x': arange(1000000), 'y': arange(1000000)}}['x']", "concat(arange(500000), arange(500000))", "eye(1000) @ eye(1000)"),
    *(
        "arange(1000000)[arange(1000000)]",
        "sum(exp(arange(100000) / 1e9))",
        "where(arange(1000000) > 5, 1, 0)",
        "p0 @ p0",
        "p0 + {i}",
        "p0",
    ),
    *(
        "arange(0, 1e300, 1e-300)",
        "zeros(1e18)",
        "9 ** 9 ** 9 ** {i}",
        "round(1.5, 1e300)",
        "{many} 1",
        "(({many} 1))",
        "[{many} 1]",
        "not p0",
    ),
    *("arange(1000000) + (arange(1000000) + (arange(1000000) + (arange(1000000) + arange(1000000))))", "'a' * 1000000000", "{minus} 1"),
]


def bombs(rng: np.random.Generator) -> str:
    """Expressions with large values or long computing times, used many times."""
    fill = {"many": "1 + " * _size(rng, 900), "minus": "-" * _size(rng, 3900)}
    chosen = [str(x) for x in rng.choice(BIG, int(rng.integers(1, 4)))]
    n, m = (max(1, _size(rng, most) // (1 + max(map(len, fill.values())) // 100)) for most in (1000, 300))
    lines = [f'p{i} = "= {chosen[i % len(chosen)].format(i=i, **fill)}"' for i in range(n)]
    uses = [f'[[projections]]\nsource = "a"\ntarget = "a"\nweight = "= {chosen[0].format(i=i, **fill)}"' for i in range(m)]
    return (
        "[parameters]\n" + "\n".join(lines if rng.random() < 0.7 else lines[:1]) + "\n" + A + "\n".join(uses if rng.random() < 0.5 else [])
    )


def names(rng: np.random.Generator) -> str:
    """Unknown names, each of which is compared with many known names."""
    n = _size(rng, 3000)
    there = "".join(f'[populations.p{i}]\nn = 1\nmodel = "iaf_psc_exp"\n' for i in range(n))
    form = rng.choice(
        [
            '[[projections]]\nsource = "q{}"\ntarget = "r{}"',
            '[[record]]\npopulations = "q{}"',
            '[[projections]]\nsource = "p0"\ntarget = "p0"\nrule = "r{}"',
            '[[projections]]\nsource = "p0"\ntarget = "p0"\nsynapse = "s{}"',
            '[populations.q{}]\nn = 1\nmodel = "iaf_psc_{}"',
        ]
    )
    return there + "\n".join(str(form).replace("{}", str(i)) for i in range(_size(rng, 3000)))


def unknown_names(rng: np.random.Generator) -> str:
    """Expressions with unknown parameters."""
    n = _size(rng, 3000)
    return "[parameters]\n" + "\n".join(f"x{i} = {i}\ny{i} = '= z{i} + 1'" for i in range(n))


def lists(rng: np.random.Generator) -> str:
    """Lists of populations, with all pairs connected or all populations recorded."""
    n, m = _size(rng, 1000), _size(rng, 1000)
    one, two = ([f"{rng.choice(['a', 'b'])}{i if rng.random() < 0.1 else ''}" for i in range(k)] for k in (n, m))
    if rng.random() < 0.3:
        return f"{A}[[record]]\npopulations = {one}\nvariable = {two}"
    value = rng.choice(
        ["", "weight = 2.0", f"weight = {[[1.0] * n] * m}" if n * m < 30_000 else "", "weight = { normal = [1, 0.1] }", "delay = 0.25"]
    )
    return f"{A}[[projections]]\nsource = {one}\ntarget = {two}\n{value}"


def chains(rng: np.random.Generator) -> str:
    """Parameters that depend on each other in chains, in either order, cyclic or not."""
    n = _size(rng, 3000)
    kind = rng.integers(6)
    last = ["1", "= p0", f"= p{n // 2}", "1", "= p0", "= q"][kind]
    form = "= {} + 1" if kind < 3 else ["= {} if {} > 0 else 1", "= 1 if 1 > 0 else {}", "= {} * {} * {}"][kind - 3]
    lines = [f'p{i} = "{form.replace("{}", f"p{i + 1}")}"' for i in range(n)] + [f'p{n} = "{last}"' if last[0] == "=" else f"p{n} = {last}"]
    if rng.random() < 0.3:
        rng.shuffle(lines)
    return "[parameters]\n" + "\n".join(lines if rng.random() < 0.7 else lines[::-1])


def wrongs(rng: np.random.Generator) -> str:
    """The same mistake many times."""
    form = rng.choice(
        [
            "{}k = 1",
            A + "[populations.a.params]\n{}k = 1",
            '[[record]]\npopulations = "a"\ninterval = "x"',
            '[[projections]]\nsource = "a"\ntarget = "a"\ndelay = -1',
            '[populations.p{}]\nn = -1\nmodel = "iaf_psc_exp"',
            '[populations.p{}]\nn = "= x"\nmodel = "iaf_psc_exp"\nparams = { V_th = "= y", V = 1 }',
        ]
    )
    head, _, each = str(form).rpartition("\n") if str(form).startswith(A) else ("", "", str(form))
    return head + "\n" + "\n".join(each.replace("{}", f"k{i}") for i in range(_size(rng, 3000)))


def controls(rng: np.random.Generator) -> str:
    """Terminal control characters in every text."""
    seen = "".join(f"\\u{int(c):04x}" for c in rng.choice([0x1B, 0x9B, 0x07, 0x08, 0x0D, 0x7F, 0x202E, 0x2066, 0x85, 0x2028, 0xFEFF], 5))
    head = f'name = "{seen}"\ndescription = "{seen}]8;;x"\n[parameters]\n"{seen}" = "{seen}"\n'
    population = f'[populations."{seen}"]\nn = 1\nmodel = "{seen}"\n{A}'
    projection = f'[[projections]]\nsource = "{seen}"\ntarget = "a"\nrule = "{seen}"\n'
    return f'{head}{population}{projection}[[record]]\npopulations = "a"\nvariable = "{seen}"'


def references(rng: np.random.Generator) -> str:
    """References to files in other folders, and to paths that are not files."""
    path = rng.choice(["/etc/passwd", "../x", "a/../../x", "\\u0000", "", "/dev/zero", "..\\\\x", "x" * 5000, "~/x", ".", "C:/x"]) + str(
        rng.choice(["", ".h5", ".h5:x", ".csv", ".npy", ".h5:../x", ".h5:x/bias"])
    )
    kind, key = [("spike_generator", "spike_file"), ("waveform_generator", "waveform_file")][rng.integers(2)]
    other = rng.choice(["matrix", "rule = 'explicit'\nfile"])
    generator = f'[populations.g]\nn = 1\nmodel = "{kind}"\nparams = {{ {key} = "{path}" }}\n'
    return f'{generator}{A}[[projections]]\nsource = "a"\ntarget = "a"\n{other} = "{path}"'


KINDS: list[Callable[[np.random.Generator], str]] = [
    *(dotted, nested, tables, digits, long_texts, bombs, bombs, names, unknown_names, lists, chains, wrongs, controls, references),
]


def made(rng: np.random.Generator) -> tuple[str, str]:
    """The name of a random kind, and a model file of that kind."""
    kind = KINDS[rng.integers(len(KINDS))]
    return kind.__name__, kind(rng)
