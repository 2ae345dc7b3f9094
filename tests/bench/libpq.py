"""PostgreSQL through libpq: what the benchmark needs of a driver, without a package that is not installed."""

import ctypes
import ctypes.util
import select

_pq = ctypes.CDLL(ctypes.util.find_library("pq"))
for _name, _result, _arguments in [
    ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]),
    ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
    ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
    ("PQexec", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]),
    ("PQresultErrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
    ("PQntuples", ctypes.c_int, [ctypes.c_void_p]),
    ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
    ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
    ("PQgetisnull", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
    ("PQclear", None, [ctypes.c_void_p]),
    ("PQfinish", None, [ctypes.c_void_p]),
    ("PQsocket", ctypes.c_int, [ctypes.c_void_p]),
    ("PQconsumeInput", ctypes.c_int, [ctypes.c_void_p]),
    ("PQnotifies", ctypes.c_void_p, [ctypes.c_void_p]),
    ("PQfreemem", None, [ctypes.c_void_p]),
]:
    getattr(_pq, _name).restype = _result
    getattr(_pq, _name).argtypes = _arguments

_CONNECTION_OK = 0
_COMMAND_OK = 1
_TUPLES_OK = 2


class SqlError(Exception):
    pass


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Connection:
    def __init__(self, url):
        self._c = _pq.PQconnectdb(url.encode())
        if _pq.PQstatus(self._c) != _CONNECTION_OK:
            raise SqlError(_pq.PQerrorMessage(self._c).decode())
        self.run("set client_min_messages = warning")

    def close(self):
        if self._c:
            _pq.PQfinish(self._c)
            self._c = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, sql):
        """The rows of the last statement, as lists of text or None."""
        result = _pq.PQexec(self._c, sql.encode())
        try:
            if _pq.PQresultStatus(result) not in (_COMMAND_OK, _TUPLES_OK):
                raise SqlError(_pq.PQresultErrorMessage(result).decode())
            columns = range(_pq.PQnfields(result))
            return [
                [None if _pq.PQgetisnull(result, r, c) else _pq.PQgetvalue(result, r, c).decode() for c in columns]
                for r in range(_pq.PQntuples(result))
            ]
        finally:
            _pq.PQclear(result)

    def value(self, sql):
        return self.run(sql)[0][0]

    def number(self, sql):
        return float(self.value(sql))

    def wait_notification(self, seconds):
        """True when a notification came within that time."""
        readable, _, _ = select.select([_pq.PQsocket(self._c)], [], [], seconds)
        if not readable or not _pq.PQconsumeInput(self._c):
            return False
        heard = False
        while note := _pq.PQnotifies(self._c):
            _pq.PQfreemem(note)
            heard = True
        return heard
