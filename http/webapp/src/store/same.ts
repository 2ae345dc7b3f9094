/** Whether two JSON values are equal; the order of an object's names does not matter. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [p, q] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = Object.keys(p).filter((n) => p[n] !== undefined);
  const others = Object.keys(q).filter((n) => q[n] !== undefined);
  return names.length === others.length && names.every((n) => Object.hasOwn(q, n) && same(p[n], q[n]));
}
