// The part of a recovery code that its owner types to show that they have kept it.

/** Without what does not matter: case, blanks, hyphens. */
const letters = (text: string) => text.replace(/[\s-]/g, '').toUpperCase();

export const confirmedCharacters = 8;

export const endsCode = (typed: string, code: string) =>
  letters(typed).length >= confirmedCharacters && letters(code).endsWith(letters(typed));
