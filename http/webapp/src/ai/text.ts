// Texts as the runner's planner treats them, so that a prompt from the tab reads like one from the server.

/** No visible character. */
export const isBlank = (text: string): boolean => /^[\s\u0085\u200b]*$/u.test(text);

export const codePoints = (text: string): number => {
  let n = 0;
  for (const _ of text) ++n;
  return n;
};

/** The first code points, with an ellipsis where something is cut. */
export function cut(text: string, limit: number): string {
  let n = 0;
  let end = 0;
  for (const c of text) {
    if (n++ === limit) return text.slice(0, end) + '…';
    end += c.length;
  }
  return text;
}

/** White space and control characters become one blank between words. */
export const oneLine = (text: string): string =>
  text.replace(/[\s\u0000-\u001f\u007f-\u009f\u200b]+/gu, ' ').replace(/^ | $/g, '');
