#!/usr/bin/env python3
r"""dump.py DUMP: writes a database dump as plain SQL to standard output.

DUMP may be plain SQL, pg_dump's custom, tar or directory format, alone or
packed by gzip, bzip2, xz or zstd, or inside a zip or tar file (as ERPs make
their backups).  What a file is, its first bytes say, not its name.  Out of
plain SQL go the statements that would leave the one database we restore into
(other databases, roles, \connect), and psql is told to obey no command of a
dump (\restrict, from 15.14 on).

dump.py --errors FILE: sums up what psql (VERBOSITY verbose) complained of.
"""
import io
import os
import re
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKED = [(b'\x1f\x8b', ['gzip', '-dc']), (b'BZh', ['bzip2', '-dc']),
          (b'\xfd7zXZ\x00', ['xz', '-dc']), (b'\x28\xb5\x2f\xfd', ['zstd', '-dcq'])]
RESTORE = ['pg_restore', '--no-owner', '--no-privileges', '--no-tablespaces', '--no-publications',
           '--no-subscriptions', '--no-security-labels', '-f', '-']
ELSEWHERE = re.compile(rb'^(?:(?:CREATE|ALTER|DROP) (?:DATABASE|ROLE|TABLESPACE) .*;|\\c(?:onnect)?\s.*)\s*$')
RESTRICT = re.compile(rb'^\\(?:un)?restrict\s')
CONNECT = re.compile(rb'^\\c(?:onnect)?\s+(?:-\S+\s+)*(.*?)\s*$')
COPY = re.compile(rb'^COPY .* FROM stdin.*;\s*$')


def die(text):
    sys.stderr.write('dump: %s\n' % text)
    sys.exit(1)


def spool(stream, folder):
    """Where it can be sought in: pg_restore must."""
    path = os.path.join(folder, 'archive')
    with open(path, 'wb') as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    return path


def restore(path):
    """An archive of pg_dump as SQL."""
    child = subprocess.Popen(RESTORE + [path], stdout=subprocess.PIPE)
    emit(child.stdout)
    if child.wait() != 0:
        die('pg_restore could not read the archive. One made by a newer pg_dump: make it with --format=plain, or with pg_dump 15')


def emit(stream):
    """Plain SQL, without what leads elsewhere."""
    out = sys.stdout.buffer
    databases = set()
    copying = False
    out.write(b'\\restrict %s\n' % secrets.token_hex(16).encode())
    for line in stream:
        if copying:
            copying = line.rstrip(b'\r\n') != b'\\.'
        elif COPY.match(line):
            copying = True
        elif RESTRICT.match(line):
            continue
        elif ELSEWHERE.match(line):
            where = CONNECT.match(line)
            if where:
                name = where.group(1).split(b'dbname=')[-1].strip(b'\'"')
                if name not in (b'template1', b'postgres', b''):
                    databases.add(name)
                if len(databases) > 1:
                    die('it holds several databases (%s): dump one of them'
                        % ', '.join(sorted(d.decode('utf-8', 'replace') for d in databases)))
            continue
        out.write(line)


def best_member(names):
    """Which file of a backup is the dump."""
    for want in (r'(^|/)toc\.dat$', r'(^|/)dump\.sql$', r'\.(sql|dump|backup|pgdump)(\.(gz|bz2|xz|zst))?$'):
        hits = sorted(n for n in names if re.search(want, n))
        if hits:
            return hits[0]
    die('there is no dump in it: it holds %s' % (', '.join(sorted(names)[:10]) or 'nothing'))


def from_stream(stream, folder, depth=0, path=None):
    head = stream.peek(512)[:512]
    if depth > 4:
        die('it is packed too often')
    for magic, command in PACKED:
        if head.startswith(magic):
            if shutil.which(command[0]) is None:
                die('%s is needed to unpack it' % command[0])
            # the bytes peeked at are still in the stream's buffer: feed it
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            feeder = os.fork()
            if feeder == 0:
                child.stdout.close()
                try:
                    shutil.copyfileobj(stream, child.stdin, 1 << 20)
                    child.stdin.close()
                except BrokenPipeError:
                    pass
                os._exit(0)
            child.stdin.close()
            from_stream(child.stdout, folder, depth + 1)
            child.stdout.close()
            os.waitpid(feeder, 0)
            if child.wait() not in (0, -13):
                die('%s could not unpack it' % command[0])
            return
    if head.startswith(b'PGDMP'):
        restore(path or spool(stream, folder))
    elif head.startswith(b'PK\x03\x04'):
        with zipfile.ZipFile(spool(stream, folder)) as z:
            with z.open(best_member(z.namelist())) as member:
                from_stream(io.BufferedReader(member), scratch_in(folder), depth + 1)
    elif head[257:262] == b'ustar':
        path = spool(stream, folder)
        with tarfile.open(path) as t:
            name = best_member([m.name for m in t.getmembers() if m.isfile()])
            if name == 'toc.dat' and 'restore.sql' in t.getnames():
                restore(path)
            elif name.endswith('toc.dat'):
                where = scratch_in(folder)
                base = os.path.dirname(name)
                for m in t.getmembers():
                    if m.isfile() and os.path.dirname(m.name) == base:
                        with t.extractfile(m) as src, open(os.path.join(where, os.path.basename(m.name)), 'wb') as dst:
                            shutil.copyfileobj(src, dst, 1 << 20)
                restore(where)
            else:
                with t.extractfile(name) as member:
                    from_stream(member, scratch_in(folder), depth + 1)
    elif head.startswith((b'\xff\xfe', b'\xfe\xff')):
        die('it is UTF-16: make it with pg_dump -f FILE instead of through a Windows shell')
    elif head == b'':
        die('it is empty')
    else:
        if head.startswith(b'\xef\xbb\xbf'):
            stream.read(3)
        emit(stream)


def scratch_in(folder):
    return tempfile.mkdtemp(dir=folder)


def write(path):
    folder = tempfile.mkdtemp(prefix='pg_oms_dump.')
    try:
        if os.path.isdir(path):
            if os.path.exists(os.path.join(path, 'toc.dat')):
                restore(path)
                return
            names = [os.path.relpath(os.path.join(d, f), path) for d, _, files in os.walk(path) for f in files]
            member = best_member(names)
            if member.endswith('toc.dat'):
                restore(os.path.join(path, os.path.dirname(member)))
                return
            path = os.path.join(path, member)
        with open(path, 'rb') as stream:
            from_stream(stream, folder, path=path)
        sys.stdout.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


ERROR = re.compile(r'ERROR:  (?:(\w{5}): )?(.*)')


def errors(path):
    roles, extensions, other, rows = set(), set(), [], []
    last = None
    with open(path, encoding='utf-8', errors='replace') as log:
        for line in log:
            hit = ERROR.search(line)
            if hit:
                state, text = hit.groups()
                last = None
                role = re.search(r'role "(.*?)" does not exist', text)
                extension = re.search(r'extension "(.*?)" (?:is not available|does not exist)', text) or \
                    re.search(r'extension control file ".*/(.*?)\.control"', text)
                if role:
                    roles.add(role.group(1))
                elif extension:
                    extensions.add(extension.group(1))
                elif state in ('42710', '42P06', '42P07', '42723') or 'unrecognized configuration parameter' in text or state == '42501':
                    pass
                else:
                    other.append(text)
                    last = text
            elif last and line.startswith('CONTEXT:  COPY '):
                rows.append(re.match(r'CONTEXT:  COPY (.*?),', line + ',').group(1))
                last = None
    if roles:
        print('  roles of the dump that are not here, left out: %s' % ', '.join(sorted(roles)))
    if extensions:
        print('  extensions of the dump that are not here, left out: %s' % ', '.join(sorted(extensions)))
    if rows:
        print('  tables whose rows were NOT restored: %s' % ', '.join(rows[:10]))
    if other:
        print('  statements that failed: %d' % len(other))
        for text in list(dict.fromkeys(other))[:5]:
            print('    %s' % text[:160])


if __name__ == '__main__':
    if len(sys.argv) == 3 and sys.argv[1] == '--errors':
        errors(sys.argv[2])
    elif len(sys.argv) == 2:
        write(sys.argv[1])
    else:
        die('which dump?')
