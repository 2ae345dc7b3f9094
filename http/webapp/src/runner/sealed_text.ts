/** Ciphertext of any version: never shown to a model. */
export const isSealedText = (text: string): boolean => text.startsWith('enc:1:') || text.startsWith('enc:2:');
