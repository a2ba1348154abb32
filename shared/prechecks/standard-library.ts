const listNames = (text: string): readonly string[] => text.trim().split(/\s+/)

/**
 * The standard library that a calculation may import: mathematics, data, text, files, time and structure. A name covers its
 * submodules; a dotted name covers that submodule alone.
 */
export const STANDARD_IMPORTS = listNames(`
  __future__ abc argparse array ast atexit base64 binascii bisect bz2 cProfile calendar cmath codecs
  collections colorsys concurrent.futures configparser contextlib contextvars copy copyreg csv dataclasses
  datetime decimal difflib doctest enum errno filecmp fileinput fnmatch fractions functools getopt gettext
  glob graphlib gzip hashlib heapq hmac html importlib.metadata importlib.resources inspect io ipaddress
  itertools json keyword linecache locale logging lzma math mimetypes multiprocessing numbers operator
  optparse os pathlib pickle pkgutil platform plistlib pprint profile pstats queue quopri random re reprlib
  sched secrets shlex shutil signal sqlite3 stat statistics string stringprep struct sys tarfile tempfile
  textwrap threading time timeit token tokenize tomllib trace traceback tracemalloc types typing unicodedata
  unittest urllib.parse uuid warnings wave weakref xml zipfile zlib zoneinfo`)

/**
 * The rest of it, by top-level name (CPython 3.10 to 3.14): what opens connections (`socket`, `http`, `asyncio`), starts
 * programs (`subprocess`), reaches memory or the interpreter (`ctypes`, `mmap`, `builtins`, `importlib`, `gc`, `marshal`),
 * wants a terminal or a screen (`curses`, `tkinter`), or has no place in a calculation. A task's own file of such a name
 * does not make it importable.
 */
export const REFUSED_STANDARD_IMPORTS: ReadonlySet<string> = new Set(
  listNames(`
  _abc _aix_support _android_support _ast _asyncio _bisect _blake2 _bootsubprocess _bz2 _codecs _codecs_cn
  _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections _collections_abc _colorize
  _compat_pickle _compression _contextvars _crypt _csv _ctypes _curses _curses_panel _datetime _dbm _decimal
  _elementtree _frozen_importlib _frozen_importlib_external _functools _gdbm _hashlib _heapq _imp
  _interpchannels _interpqueues _interpreters _io _ios_support _json _locale _lsprof _lzma _markupbase _md5
  _msi _multibytecodec _multiprocessing _opcode _opcode_metadata _operator _osx_support _overlapped _pickle
  _posixshmem _posixsubprocess _py_abc _pydatetime _pydecimal _pyio _pylong _pyrepl _queue _random
  _remote_debugging _scproxy _sha1 _sha2 _sha256 _sha3 _sha512 _signal _sitebuiltins _socket _sqlite3 _sre
  _ssl _stat _statistics _string _strptime _struct _suggestions _symtable _sysconfig _thread
  _threading_local _tkinter _tokenize _tracemalloc _typing _uuid _warnings _weakref _weakrefset _winapi _wmi
  _zoneinfo _zstd aifc annotationlib antigravity asynchat asyncio asyncore audioop bdb binhex builtins cgi
  cgitb chunk cmd code codeop compileall compression concurrent crypt ctypes curses dbm dis distutils email
  encodings ensurepip faulthandler fcntl ftplib gc genericpath getpass grp http idlelib imaplib imghdr imp
  importlib lib2to3 mailbox mailcap marshal mmap modulefinder msilib msvcrt netrc nis nntplib nt ntpath
  nturl2path opcode ossaudiodev pdb pickletools pipes poplib posix posixpath pty pwd py_compile pyclbr pydoc
  pydoc_data pyexpat readline resource rlcompleter runpy select selectors shelve site smtpd smtplib sndhdr
  socket socketserver spwd sre_compile sre_constants sre_parse ssl subprocess sunau symtable sysconfig
  syslog tabnanny telnetlib termios this tkinter tty turtle turtledemo urllib uu venv webbrowser winreg
  winsound wsgiref xdrlib xmlrpc zipapp zipimport`),
)
