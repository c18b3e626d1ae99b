import {posix} from 'node:path';
import {Readable, Writable} from 'node:stream';
import {type FileFacts, type FileTree, TreeError, type WriteMode} from './tree.ts';

interface FileNode {
  readonly kind: 'file';
  content: Buffer;
  /** False once it has been removed: an upload still running then goes nowhere. */
  linked: boolean;
  modified: Date;
  mode: number;
  readonly unique: string;
}

interface DirectoryNode {
  readonly kind: 'directory';
  readonly children: Map<string, Node>;
  modified: Date;
  mode: number;
  readonly unique: string;
}

type Node = FileNode | DirectoryNode;

/** Bytes that one piece of a file is sent in. */
const READ_PIECE = 64 * 1024;
const MAX_NAME_BYTES = 255;

export interface MemoryTreeLimits {
  /** Bytes of all files together. */
  readonly bytes: number;
  readonly entries: number;
}

/** A tree that lives and dies with the process, and that no client can fill beyond its limits. */
export class MemoryTree implements FileTree {
  readonly #root: DirectoryNode;
  #bytes = 0;
  #entries = 0;

  readonly #limits: MemoryTreeLimits;

  constructor(limits: MemoryTreeLimits = {bytes: 64 * 1024 * 1024, entries: 10_000}) {
    this.#limits = limits;
    this.#root = this.#newDirectory();
  }

  /** A few files to look at, and a directory to upload to. */
  static sample(): MemoryTree {
    const tree = new MemoryTree();
    for (const directory of ['/pub', '/incoming']) tree.addDirectory(directory);
    tree.addFile(
      '/welcome.txt',
      'This is a mock FTP server. Its files are in memory, and gone when it ends.\n',
    );
    tree.addFile('/pub/hello.txt', 'Hello, world\n');
    tree.addFile('/pub/numbers.txt', Array.from({length: 1000}, (_, n) => `${n}\n`).join(''));
    return tree;
  }

  addFile(path: string, content: string | Buffer): void {
    const file = this.#newFile();
    file.content = Buffer.from(content);
    this.#bytes += file.content.length;
    this.#attach(path, file);
  }

  addDirectory(path: string): void {
    this.#attach(path, this.#newDirectory());
  }

  async facts(path: string): Promise<FileFacts> {
    return factsOf(posix.basename(path), this.#find(path));
  }

  async list(path: string): Promise<FileFacts[]> {
    return [...this.#directory(path).children].map(([name, node]) => factsOf(name, node));
  }

  async read(path: string, offset: number): Promise<Readable> {
    return Readable.from(pieces(this.#file(path).content.subarray(offset)), {objectMode: false});
  }

  async write(path: string, mode: WriteMode): Promise<Writable> {
    const existing = this.#lookup(path);
    if (existing?.kind === 'directory') throw new TreeError('EISDIR');
    if (existing !== undefined && mode.kind === 'new') throw new TreeError('EEXIST');
    const file = existing ?? this.#newFile();
    if (existing === undefined) this.#attach(path, file);
    return this.#writer(file, startOf(file, mode), mode.kind === 'replace');
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#lookup(path) !== undefined) throw new TreeError('EEXIST');
    this.#attach(path, this.#newDirectory());
  }

  async removeDirectory(path: string): Promise<void> {
    if (path === '/') throw new TreeError('EBUSY');
    if (this.#directory(path).children.size > 0) throw new TreeError('ENOTEMPTY');
    this.#detach(path);
  }

  async remove(path: string): Promise<void> {
    const file = this.#file(path, 'EISDIR');
    this.#bytes -= file.content.length;
    file.linked = false;
    this.#detach(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#find(from);
    if (from === '/' || `${to}/`.startsWith(`${from}/`))
      throw new TreeError(from === to ? 'EEXIST' : 'EINVAL');
    const parent = this.#directory(posix.dirname(to));
    const target = parent.children.get(posix.basename(to));
    if (target?.kind === 'directory') throw new TreeError('EEXIST');
    if (target !== undefined) await this.remove(to);
    this.#detach(from);
    this.#attach(to, node);
  }

  async changeMode(path: string, mode: number): Promise<void> {
    this.#find(path).mode = mode;
  }

  /** What has come is kept when the transfer breaks off, so that it can be resumed. */
  #writer(file: FileNode, start: number, truncate: boolean): Writable {
    const received: Buffer[] = [];
    let length = 0;
    const keep = (): void => {
      this.#bytes -= length;
      if (file.linked) {
        const content = contentAfter(file.content, start, received, truncate);
        this.#bytes += content.length - file.content.length;
        file.content = content;
        file.modified = new Date();
      }
      received.length = 0;
      length = 0;
    };
    if (start > this.#limits.bytes - this.#bytes + file.content.length) throw new TreeError('ENOSPC');
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#bytes + chunk.length > this.#limits.bytes) return done(new TreeError('ENOSPC'));
        this.#bytes += chunk.length;
        length += chunk.length;
        received.push(chunk);
        done();
      },
      final: (done) => {
        keep();
        done();
      },
      destroy: (error, done) => {
        if (length > 0) keep();
        done(error);
      },
    });
  }

  #newDirectory(): DirectoryNode {
    return {
      kind: 'directory',
      children: new Map(),
      modified: new Date(),
      mode: 0o755,
      unique: this.#nextUnique(),
    };
  }

  #newFile(): FileNode {
    const unique = this.#nextUnique();
    return {kind: 'file', content: Buffer.alloc(0), linked: true, modified: new Date(), mode: 0o644, unique};
  }

  #lastUnique = 0;
  #nextUnique(): string {
    this.#lastUnique += 1;
    return `M${this.#lastUnique.toString(36)}`;
  }

  #lookup(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/').filter(Boolean)) {
      if (node?.kind === 'file') throw new TreeError('ENOTDIR');
      node = node?.children.get(name);
    }
    return node;
  }

  #find(path: string): Node {
    const node = this.#lookup(path);
    if (node === undefined) throw new TreeError('ENOENT');
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path);
    if (node.kind !== 'directory') throw new TreeError('ENOTDIR');
    return node;
  }

  #file(path: string, otherwise: 'EISDIR' | 'ENOTREG' = 'ENOTREG'): FileNode {
    const node = this.#find(path);
    if (node.kind !== 'file') throw new TreeError(otherwise);
    return node;
  }

  #attach(path: string, node: Node): void {
    if (Buffer.byteLength(posix.basename(path)) > MAX_NAME_BYTES) throw new TreeError('ENAMETOOLONG');
    const parent = this.#directory(posix.dirname(path));
    if (this.#entries >= this.#limits.entries) throw new TreeError('ENOSPC');
    parent.children.set(posix.basename(path), node);
    parent.modified = new Date();
    this.#entries += 1;
  }

  #detach(path: string): void {
    this.#directory(posix.dirname(path)).children.delete(posix.basename(path));
    this.#entries -= 1;
  }
}

function factsOf(name: string, node: Node): FileFacts {
  const size = node.kind === 'file' ? node.content.length : 0;
  return {name, kind: node.kind, size, modified: node.modified, mode: node.mode, unique: node.unique};
}

function* pieces(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += READ_PIECE) yield content.subarray(at, at + READ_PIECE);
}

function startOf(file: FileNode, mode: WriteMode): number {
  if (mode.kind === 'append') return file.content.length;
  return mode.kind === 'at' ? mode.offset : 0;
}

/** RFC 3659 §5.2: a restarted STOR writes over what is there; beyond the end a file is filled with zeros, as by POSIX. */
function contentAfter(old: Buffer, start: number, received: readonly Buffer[], truncate: boolean): Buffer {
  const fill = Buffer.alloc(Math.max(0, start - old.length));
  const end = received.reduce((sum, chunk) => sum + chunk.length, start);
  return Buffer.concat([old.subarray(0, start), fill, ...received, ...(truncate ? [] : [old.subarray(end)])]);
}
