/** Every length of a packet, and every descriptor of a usual process. */
const usual = Array.from({ length: 4096 }, (_, i) => BigInt(i))

/**
 * An `int` or `size_t` as what node:ffi calls a pointer. Functions all of whose arguments are pointers it calls directly, in
 * 11 ns and more; with any other among them it takes ten times as long. A callee reads of a register what its type is
 * wide (System V AMD64, AAPCS64), so an `int` has its 32 bits, a negative one as well.
 */
export function wide(n: number): bigint {
  return usual[n] ?? BigInt.asUintN(32, BigInt(n))
}
