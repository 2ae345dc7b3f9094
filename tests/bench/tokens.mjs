#!/usr/bin/env node
// Prints a token for each user, one a line: tokens.mjs <signing-key.pem> <jwks-url> <issuer> <user>...
import { readFileSync } from 'node:fs';
import { signToken } from '../e2e/browser/token.mjs';

const [keyFile, jwksUrl, issuer, ...users] = process.argv.slice(2);
const key = readFileSync(keyFile, 'utf8');
const { kid } = (await (await fetch(jwksUrl)).json()).keys[0];
const now = Math.floor(Date.now() / 1000);
for (const sub of users)
  console.log(signToken({ alg: 'EdDSA', typ: 'JWT', kid }, { iss: issuer, aud: 'mana', sub, iat: now, exp: now + 3600 }, key));
