// Everything that a browser sends, as text: addresses, headers and bodies of requests, and messages of WebSockets.
export class Traffic {
  sent = [];

  constructor(context) {
    context.on('request', (request) => {
      const headers = Object.entries(request.headers()).map(([name, value]) => `${name}: ${value}`);
      const body = request.postDataBuffer()?.toString('utf8') ?? '';
      this.sent.push([`${request.method()} ${request.url()}`, ...headers, body].join('\n'));
    });
    const listen = (page) =>
      page.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => this.sent.push(`${socket.url()}\n${payload}`)),
      );
    context.pages().forEach(listen);
    context.on('page', listen);
  }

  /** What holds the text, in any spelling that it might have on its way. */
  holding(text) {
    const bytes = Buffer.from(text);
    const spellings = [
      text,
      encodeURIComponent(text),
      bytes.toString('hex'),
      JSON.stringify(text).slice(1, -1),
      // Base64 of it at each of the three places within a group, without the digits that depend on the neighbours.
      ...[0, 1, 2].map((shift) =>
        Buffer.concat([Buffer.alloc(shift), bytes])
          .toString('base64')
          .replace(/=+$/, '')
          .slice(shift ? shift + 1 : 0, -2),
      ),
    ];
    return this.sent.filter((one) => spellings.some((s) => one.includes(s)));
  }
}
