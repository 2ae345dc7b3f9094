// JSON Web Tokens: EdDSA only.
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

// The claims; throws when anything is wrong.
export function verifyToken(token, { jwks, issuer, audience, atUnix }) {
  const parts = token.split('.');
  if (parts.length !== 3 || !parts[2]) throw new Error('no signed token');
  const header = decoded(parts[0]);
  if (header.alg !== 'EdDSA') throw new Error('algorithm');
  const jwk = jwks.keys.find((key) => key.kid === header.kid && key.kty === 'OKP' && key.crv === 'Ed25519');
  if (!jwk) throw new Error('unknown key');
  const key = createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: 'jwk' });
  const signature = Buffer.from(parts[2], 'base64url');
  if (!verify(null, Buffer.from(`${parts[0]}.${parts[1]}`), key, signature)) throw new Error('signature');
  const claims = decoded(parts[1]);
  if (claims.iss !== issuer) throw new Error('issuer');
  if (![claims.aud].flat().includes(audience)) throw new Error('audience');
  if (!(claims.exp > atUnix)) throw new Error('expired');
  if (claims.nbf !== undefined && !(claims.nbf <= atUnix)) throw new Error('not yet valid');
  if (typeof claims.sub !== 'string' || !claims.sub) throw new Error('no subject');
  return claims;
}

// A token with any header and claims, signed by the key: what tests of refusals need.
export function signToken(header, claims, privateKeyPem) {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${base64url(sign(null, Buffer.from(signed), createPrivateKey(privateKeyPem)))}`;
}
