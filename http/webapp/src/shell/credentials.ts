// What the service accepts as name and password (actors/sign_in/credentials.hpp), said before it is asked.
const maxNameCharacters = 64;
const minPasswordBytes = 8;
const maxPasswordBytes = 200;

/** Keys of the area `session`. */
export interface CredentialErrors {
  name?: 'nameMissing' | 'nameForm';
  password?: 'passwordMissing' | 'passwordShort' | 'passwordLong';
}

/** Only a new password is measured: an old one is right or wrong. */
export function checkedCredentials(
  given: { name: string; password: string },
  mode: 'sign-in' | 'register',
): CredentialErrors {
  const out: CredentialErrors = {};
  const characters = [...given.name.trim()].length;
  const bytes = new TextEncoder().encode(given.password).length;
  if (characters === 0) out.name = 'nameMissing';
  else if (characters > maxNameCharacters) out.name = 'nameForm';
  if (bytes === 0) out.password = 'passwordMissing';
  else if (mode === 'register' && bytes < minPasswordBytes) out.password = 'passwordShort';
  else if (mode === 'register' && bytes > maxPasswordBytes) out.password = 'passwordLong';
  return out;
}
