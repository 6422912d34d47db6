// The connection to the server: it comes back by itself.

/** @import { Reply } from "../types.d.ts" */

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15000;
const LASTING = 5000;

export class Connection {
  /** @param {{ onMessage(message: Reply): void, onLost(): void }} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.delay = FIRST_DELAY;
    this.timer = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.openedAt = Infinity;
  }

  open() {
    clearTimeout(this.timer);
    const address = new URL("socket", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.hash = "";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.openedAt = performance.now();
    });
    socket.addEventListener("message", (event) => this.receive(event.data));
    socket.addEventListener("close", () => this.lost(socket));
  }

  /** @param {string} data */
  receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    this.handlers.onMessage(message);
  }

  /** @param {WebSocket} socket */
  lost(socket) {
    if (socket !== this.socket) return;
    // A server that accepts and then closes at once must not be asked twice a second for ever.
    if (performance.now() - this.openedAt > LASTING) this.delay = FIRST_DELAY;
    this.handlers.onLost();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.delay);
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
  }

  reconnect() {
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    this.delay = FIRST_DELAY;
    this.open();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** @param {object} message */
  send(message) {
    if (this.isOpen) this.socket?.send(JSON.stringify(message));
    return this.isOpen;
  }
}
