"""Machine operations that Numba lacks: prefetch, fused multiply-add, adding four synapses at a time, atomics, yielding the core."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Any

from lifsim.common.lazy import LazyModule
from lifsim.engine.compiler.jit import machine_code

ir: Any = LazyModule("llvmlite.ir")
types: Any = LazyModule("numba.types")
cgutils: Any = LazyModule("numba.core.cgutils")


def _element(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    """The address of an array entry: `args` are the array and the index, `kinds` their types."""
    array = context.make_array(kinds[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


@machine_code
def prefetch(typingctx, array, index):
    """Prefetch the cache line of ``array[index]``; this never faults, so `index` may be out of range."""

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
    """a·b + c of floats of one type, rounded once; the result has the same bits in scalar and in vector code."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return a(a, a, a), codegen


@machine_code
def bits_of(typingctx, x):
    """The 64 bits of a float64 as an int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@machine_code
def from_bits(typingctx, x):
    """The float64 with the 64 bits of `x`."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


FOUR = 4  # synapses that are added at a time: their uint16 targets are one 64-bit word


@machine_code
def add_four(typingctx, total, target, a, weight, w, unit):
    """``total[target[a + k]] += weight[w + k]`` for k = 0 … 3 in turn; `target` are uint16.

    Integer weights are in units of `unit`; without weights (None), each weight is `unit`. The four targets are read as one word and the
    weights are converted together; done one by one, this takes as long as adding.
    """

    def codegen(context, builder, signature, args):
        _add_four(context, builder, signature, args, None)
        return context.get_dummy_value()

    return types.void(total, target, types.intp, weight, types.intp, unit), codegen


@machine_code
def add_rest(typingctx, total, target, a, weight, w, unit, n):
    """As `add_four`, for k < n with n < 4, without a branch that would be mispredicted.

    All four entries are read, so they must be within the array. The unused ones add -0.0 to target 0, which does not change any sum.
    """

    def codegen(context, builder, signature, args):
        _add_four(context, builder, signature, args, args[6])
        return context.get_dummy_value()

    return types.void(total, target, types.intp, weight, types.intp, unit, types.intp), codegen


def _add_four(context: Any, builder: Any, signature: Any, args: Any, n: Any) -> None:
    """Generate the code of four additions; only the first `n` have an effect if `n` is not None."""
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
    """The four weights as a vector of the type of the sums."""
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
    """A vector with `value` in all lanes."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), FOUR), [0] * FOUR))


@machine_code
def atomic_add(typingctx, array, index, value):
    """Atomic ``array[index] += value`` for an int64 array; returns the old value."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", _element(context, builder, signature.args, args), args[2], "acq_rel")

    return types.int64(array, types.intp, types.int64), codegen


@machine_code
def atomic_load(typingctx, array, index):
    """Atomic load (acquire) of ``array[index]`` from an int64 array: everything that its writer wrote before is visible, too."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(_element(context, builder, signature.args, args), "acquire", 8)

    return types.int64(array, types.intp), codegen


@machine_code
def atomic_store(typingctx, array, index, value):
    """Atomic store (release) ``array[index] = value`` to an int64 array: visible to other threads after all earlier writes."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[2], _element(context, builder, signature.args, args), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), codegen


@machine_code
def call_address(typingctx, address):
    """Call the C function ``int f(void)`` at `address`, which is an argument so that code can be cached."""

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), [])

    return types.int32(types.intp), codegen


@machine_code
def call_clock(typingctx, address, first, array, index):
    """Call the C function ``int f(first, &array[index])`` at `address`; the clock of Windows takes only the pointer."""

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
    """The address of the system call that yields the core to another thread (0 if none is known)."""
    try:
        if sys.platform == "win32":
            function = ctypes.WinDLL("kernel32").SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0
