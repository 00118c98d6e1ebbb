import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Behaviour } from './receiver.js';

/** A real SMTP server on 127.0.0.1 that keeps the mails it gets. */
export class Mailbox {
  readonly mails: string[] = [];
  behaviour: Behaviour = { do: 'take' };
  readonly #server: SMTPServer;

  private constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onAuth: ({ username }, _session, done) => done(null, { user: username ?? '' }),
      onData: (stream, _session, done) => {
        let mail = '';
        stream.setEncoding('utf8');
        stream.on('data', (chunk: string) => {
          mail += chunk;
        });
        stream.on('end', () => {
          this.mails.push(mail);
          this.#answer(done);
        });
      },
    });
    // What a client that gives up leaves behind.
    this.#server.on('error', () => undefined);
  }

  static async start(): Promise<Mailbox> {
    const mailbox = new Mailbox();
    mailbox.#server.listen(0, '127.0.0.1');
    await once(mailbox.#server.server, 'listening');
    return mailbox;
  }

  url(credentials = ''): string {
    return `smtp://${credentials}127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    if (this.#server.server.listening) await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  #answer(done: (error?: Error | null, message?: string) => void): void {
    const { behaviour } = this;
    switch (behaviour.do) {
      case 'take':
        done(null, 'ok');
        break;
      case 'hang':
        break;
      case 'refuse':
        done(Object.assign(new Error(behaviour.text ?? 'no'), { responseCode: behaviour.status }));
        break;
      case 'flood':
        done(null, '\u202e<script>\u0007'.repeat(900));
        break;
      case 'cut':
        for (const connection of this.#server.connections) {
          (connection as { _socket?: { destroy(): void } })._socket?.destroy();
        }
        break;
      default:
        behaviour satisfies never;
    }
  }
}
