/** Hands a text to the user as a file. */
export function saveText(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; the browser keeps the blob as long as it reads.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
