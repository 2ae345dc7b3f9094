// What a browser has and the tests' Node may not: WebCrypto as a global (Node 18) and IndexedDB.
import { webcrypto } from 'node:crypto';
import 'fake-indexeddb/auto';

if (!globalThis.crypto) Object.defineProperty(globalThis, 'crypto', { value: webcrypto });

// Newer Nodes have a navigator, whose languages are the machine's.
if (globalThis.navigator)
  Object.defineProperty(globalThis.navigator, 'languages', { value: ['de'], configurable: true });
