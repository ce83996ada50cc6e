// LSP messages as they go over a pipe.

/** One message. */
export function frame(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

/** Calls `take` with each message of a stream, and with when its end came, in milliseconds of the wall clock. */
export function follow(stream, take) {
  let buffer = Buffer.alloc(0);
  stream.on('data', (chunk) => {
    const at = performance.timeOrigin + performance.now();
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
      if (buffer.length < end + 4 + length) return;
      const body = buffer.subarray(end + 4, end + 4 + length).toString();
      buffer = buffer.subarray(end + 4 + length);
      take(JSON.parse(body), at);
    }
  });
}
