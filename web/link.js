// The WebSocket, kept alive: connects, reconnects with growing pauses, measures latency.

import * as wire from './wire.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
const PING_EVERY_MS = 1000;

export class Link {
  /** `on` has `state(name, text)`, `hello(words)`, `trouble(words)`, `frame(frame)` and `latency(ms)`. */
  constructor(on) {
    this.on = on;
    this.pauseMs = FIRST_PAUSE_MS;
    this.asked = new Map();
    this.stamp = 0;
    setInterval(() => this.ping(), PING_EVERY_MS);
    this.connect();
  }

  /** Sends a message, if connected. */
  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  connect() {
    const address = new URL('/ws', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = location.search;
    this.on.state('wait', 'connecting');
    this.socket = new WebSocket(address);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => this.on.state('wait', 'loading the run');
    this.socket.onclose = (event) => this.lost(event);
    this.socket.onmessage = ({ data }) => this.take(data);
  }

  take(data) {
    if (typeof data === 'string') {
      const words = JSON.parse(data);
      if (words.type === 'hello') {
        this.pauseMs = FIRST_PAUSE_MS;
        this.on.state('live', 'connected');
        this.on.hello(words);
      } else {
        this.on.trouble(words);
      }
      return;
    }
    const said = wire.read(data);
    if (said.pong === undefined) return this.on.frame(said);
    if (this.asked.has(said.pong)) this.on.latency(performance.now() - this.asked.get(said.pong));
    this.asked.clear();
  }

  ping() {
    this.stamp += 1;
    if (this.asked.size === 0) this.asked.set(this.stamp, performance.now());
    else this.asked.clear();
    if (this.asked.size > 0) this.send(wire.ping(this.stamp));
  }

  lost() {
    this.asked.clear();
    let left = Math.ceil(this.pauseMs / 1000);
    const tell = () => this.on.state('lost', `lost, again in ${left} s`);
    tell();
    const count = setInterval(() => {
      left -= 1;
      if (left > 0) tell();
    }, 1000);
    setTimeout(() => {
      clearInterval(count);
      this.connect();
    }, this.pauseMs);
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
  }
}
