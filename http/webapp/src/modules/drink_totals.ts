/** Millilitres; what is no number counts nothing. */
export const totalOf = (rows: readonly Readonly<Record<string, unknown>>[]): number =>
  rows.reduce(
    (sum, { milliliters: ml }) => sum + (typeof ml === 'number' && Number.isFinite(ml) ? ml : 0),
    0,
  );
