"""Machine operations that Numba does not offer: prefetch, fused sums of products, sums by fours, atomics, giving up the time slice."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _element(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    """The address of an entry: `args` are an array and an index, `kinds` their types."""
    array = context.make_array(kinds[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


def machine_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's `intrinsic`, with the type of what kernels call: the function without its first parameter, the typing context."""
    return intrinsic(function)


@machine_code
def prefetch(typingctx, array, index):
    """Ask for the cache line of ``array[index]``; never faults, so `index` may lie outside."""

    def codegen(context, builder, signature, args):
        pointer = builder.bitcast(_element(context, builder, signature.args, args), cgutils.voidptr_t)
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, i32(0), i32(3), i32(1)])  # read, keep in all levels, data
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@machine_code
def fma(typingctx, a, b, c):
    """a·b + c of floats of one kind, rounded once: the same bits wherever it is used, alone or in a vector."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return a(a, a, a), codegen


@machine_code
def bits_of(typingctx, x):
    """The 64 bits of a float64, as a whole number."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@machine_code
def from_bits(typingctx, x):
    """The float64 of these 64 bits."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


FOUR = 4  # synapses that are added at a time


@machine_code
def add_four(typingctx, total, target, a, weight, w, unit):
    """``total[target[a + k]] += weight[w + k]`` for k = 0 … 3 in turn; `target` are uint16.

    Whole numbers are weights in units of `unit`; without weights (None) each is `unit`. Targets are read as one
    word and weights turned into numbers together: one by one, that takes as long as adding does.
    """

    def codegen(context, builder, signature, args):
        _add_four(context, builder, signature, args, None)
        return context.get_dummy_value()

    return types.void(total, target, types.intp, weight, types.intp, unit), codegen


@machine_code
def add_rest(typingctx, total, target, a, weight, w, unit, n):
    """The same for k < n < 4, without a branch that would be guessed wrong. All four are read, so must lie in memory.

    To the others' target 0 goes -0, which leaves any sum as it is.
    """

    def codegen(context, builder, signature, args):
        _add_four(context, builder, signature, args, args[6])
        return context.get_dummy_value()

    return types.void(total, target, types.intp, weight, types.intp, unit, types.intp), codegen


def _add_four(context: Any, builder: Any, signature: Any, args: Any, n: Any) -> None:
    """Four additions; only the first `n` where that is not None."""
    i64 = ir.IntType(64)
    word = builder.load(builder.bitcast(_element(context, builder, signature.args[1:], args[1:]), i64.as_pointer()), align=2)
    values = _four_weights(context, builder, signature, args)
    if n is not None:
        word = builder.and_(word, builder.sub(builder.shl(i64(1), builder.shl(n, i64(4))), i64(1)))
        lanes = ir.VectorType(i64, FOUR)
        few = builder.icmp_signed("<", ir.Constant(lanes, list(range(FOUR))), _same(builder, n, lanes))
        values = builder.select(few, values, ir.Constant(values.type, [-0.0] * FOUR))
    total = context.make_array(signature.args[0])(context, builder, args[0])
    for k in range(FOUR):
        target = builder.and_(builder.lshr(word, i64(16 * k)), i64(0xFFFF))
        place = builder.gep(total.data, [target])
        builder.store(builder.fadd(builder.load(place), builder.extract_element(values, ir.IntType(32)(k))), place)


def _four_weights(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """What `add_four` adds, as a vector of the kind of the sums."""
    numbers = ir.VectorType(context.get_value_type(signature.args[0].dtype), FOUR)
    unit = context.cast(builder, args[5], signature.args[5], signature.args[0].dtype)
    if isinstance(signature.args[3], types.NoneType):
        return _same(builder, unit, numbers)
    stored = signature.args[3].dtype
    memory = ir.VectorType(context.get_value_type(stored), FOUR)
    pointer = builder.bitcast(_element(context, builder, signature.args[3:], args[3:]), memory.as_pointer())
    weights = builder.load(pointer, align=stored.bitwidth // 8)
    if isinstance(stored, types.Integer):
        return builder.fmul(builder.sitofp(weights, numbers), _same(builder, unit, numbers))
    bits = signature.args[0].dtype.bitwidth
    return weights if stored.bitwidth == bits else (builder.fpext if stored.bitwidth < bits else builder.fptrunc)(weights, numbers)


def _same(builder: Any, value: Any, kind: Any) -> Any:
    """A vector of equal values."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), FOUR), [0] * FOUR))


@machine_code
def atomic_add(typingctx, array, index, value):
    """``array[index] += value`` for an int64 array, seen by all threads; returns the old value."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", _element(context, builder, signature.args, args), args[2], "acq_rel")

    return types.int64(array, types.intp, types.int64), codegen


@machine_code
def atomic_load(typingctx, array, index):
    """``array[index]`` of an int64 array as other threads last wrote it, and all that they wrote before."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(_element(context, builder, signature.args, args), "acquire", 8)

    return types.int64(array, types.intp), codegen


@machine_code
def atomic_store(typingctx, array, index, value):
    """``array[index] = value`` for an int64 array, seen by all threads after all that was written before."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[2], _element(context, builder, signature.args, args), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), codegen


@machine_code
def call_address(typingctx, address):
    """Call the C function ``int f(void)`` at `address` (an address, so that code stays cacheable)."""

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), [])

    return types.int32(types.intp), codegen


@machine_code
def call_clock(typingctx, address, first, array, index):
    """Call the C function ``int f(first, &array[index])`` at `address`; Windows' clock takes the pointer only."""

    def codegen(context, builder, signature, args):
        i64 = ir.IntType(64)
        array = context.make_array(signature.args[2])(context, builder, args[2])
        pointer = builder.ptrtoint(builder.gep(array.data, [args[3]]), i64)
        given = pointer if sys.platform == "win32" else args[1]
        kind = ir.FunctionType(ir.IntType(32), [i64, i64])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), [given, pointer])

    return types.int32(types.intp, types.intp, array, types.intp), codegen


@lru_cache(1)
def yield_address() -> int:
    """Address of the system call that lets another thread run (0 where none is known)."""
    try:
        if sys.platform == "win32":
            function = ctypes.WinDLL("kernel32").SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0
