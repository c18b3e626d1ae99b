import {posix} from 'node:path';
import {Readable, Writable} from 'node:stream';
import {octetsOf} from '../octets.ts';
import {FileContent, Quota} from './fileContent.ts';
import {type FileFacts, type FileTree, TreeError, type WriteMode} from './tree.ts';

interface FileNode {
  readonly kind: 'file';
  readonly content: FileContent;
  /** False once it has been removed. Its room is free when no transfer has it open any more. */
  linked: boolean;
  /** Transfers that have it open. */
  users: number;
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
/** What most file systems tell of a small directory. */
const DIRECTORY_SIZE = 4096;

export interface MemoryTreeLimits {
  /** Bytes of all files together. */
  readonly bytes: number;
  readonly entries: number;
}

/** A tree that lives and dies with the process, and that no client can fill beyond its limits. */
export class MemoryTree implements FileTree {
  readonly #root: DirectoryNode;
  readonly #maxEntries: number;
  readonly #quota: Quota;
  #entries = 0;

  constructor({bytes, entries}: MemoryTreeLimits = {bytes: 64 * 1024 * 1024, entries: 10_000}) {
    this.#quota = new Quota(bytes);
    this.#maxEntries = entries;
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
    file.content.write(0, Buffer.from(content));
    this.#attach(path, file);
  }

  addDirectory(path: string): void {
    this.#attach(path, this.#newDirectory());
  }

  async facts(path: string): Promise<FileFacts> {
    return factsOf(posix.basename(path), this.#find(path));
  }

  ownFacts(path: string): Promise<FileFacts> {
    return this.facts(path);
  }

  async realPath(path: string): Promise<string> {
    this.#find(path);
    return path;
  }

  async list(path: string): Promise<FileFacts[]> {
    return [...this.#directory(path).children].map(([name, node]) => factsOf(name, node));
  }

  async read(path: string, offset: number, length = Number.POSITIVE_INFINITY): Promise<Readable> {
    return new FileReader(this.#file(path), offset, length);
  }

  async write(path: string, mode: WriteMode): Promise<Writable> {
    const existing = this.#lookup(path);
    if (existing?.kind === 'directory') throw new TreeError('ENOTREG');
    if (existing !== undefined && mode.kind === 'new') throw new TreeError('EEXIST');
    const file = existing ?? this.#newFile();
    // Refused before there is a file, or anything is lost of the one that is there.
    if (mode.kind === 'at' && mode.offset - file.content.size > this.#quota.left)
      throw new TreeError('ENOSPC');
    if (existing === undefined) this.#attach(path, file);
    return new FileWriter(file, mode);
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
    file.linked = false;
    this.#detach(path);
    if (file.users === 0) file.content.clear();
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#find(from);
    if (from === to) return;
    if (from === '/' || to === '/') throw new TreeError('EBUSY');
    if (`${to}/`.startsWith(`${from}/`)) throw new TreeError('EINVAL');
    checkName(to);
    const target = this.#directory(posix.dirname(to)).children.get(posix.basename(to));
    if (target?.kind === 'directory') {
      if (node.kind === 'file') throw new TreeError('EISDIR');
      await this.removeDirectory(to);
    } else if (target !== undefined) {
      if (node.kind === 'directory') throw new TreeError('ENOTDIR');
      await this.remove(to);
    }
    this.#detach(from);
    this.#attach(to, node);
  }

  async changeMode(path: string, mode: number): Promise<void> {
    this.#find(path).mode = mode;
  }

  async setModified(path: string, time: Date): Promise<void> {
    this.#find(path).modified = time;
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
    const content = new FileContent(this.#quota);
    return {kind: 'file', content, linked: true, users: 0, modified: new Date(), mode: 0o644, unique};
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
    checkName(path);
    const parent = this.#directory(posix.dirname(path));
    if (this.#entries >= this.#maxEntries) throw new TreeError('ENOSPC');
    parent.children.set(posix.basename(path), node);
    parent.modified = new Date();
    this.#entries += 1;
  }

  #detach(path: string): void {
    this.#directory(posix.dirname(path)).children.delete(posix.basename(path));
    this.#entries -= 1;
  }
}

function checkName(path: string): void {
  if (octetsOf(posix.basename(path)).length > MAX_NAME_BYTES) throw new TreeError('ENAMETOOLONG');
}

function factsOf(name: string, node: Node): FileFacts {
  const size = node.kind === 'file' ? node.content.size : DIRECTORY_SIZE;
  const {kind, modified, mode, unique} = node;
  const links = kind === 'directory' ? 2 : 1;
  return {name, kind, size, modified, changed: modified, accessed: modified, mode, unique, links};
}

/** As a file on disk: what is written to it meanwhile is read, and removing it takes nothing from who has it open. */
class FileReader extends Readable {
  readonly #file: FileNode;
  readonly #end: number;
  #at: number;

  constructor(file: FileNode, offset: number, length: number) {
    super();
    this.#file = file;
    this.#at = offset;
    this.#end = offset + length;
    file.users += 1;
  }

  override _read(): void {
    const piece = this.#file.content.read(this.#at, Math.min(READ_PIECE, this.#end - this.#at));
    this.#at += piece.length;
    this.push(piece.length === 0 ? null : piece);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    letGo(this.#file);
    done(error);
  }
}

/** What has come is kept when the transfer breaks off, so that it can be resumed. */
class FileWriter extends Writable {
  readonly #file: FileNode;
  /** `null`: always at the end. */
  #at: number | null;

  constructor(file: FileNode, mode: WriteMode) {
    super();
    this.#file = file;
    this.#at = mode.kind === 'append' ? null : mode.kind === 'at' ? mode.offset : 0;
    file.users += 1;
    if (mode.kind === 'replace') file.content.clear();
    file.modified = new Date();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    try {
      this.#file.content.write(this.#at ?? this.#file.content.size, chunk);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (this.#at !== null) this.#at += chunk.length;
    this.#file.modified = new Date();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    letGo(this.#file);
    done(error);
  }
}

function letGo(file: FileNode): void {
  file.users -= 1;
  if (file.users > 0) return;
  if (file.linked) file.content.trim();
  else file.content.clear();
}
