"""Tryton's own server objects in this process: no trytond, no network port.

    session = Session('postgresql://user@host:port/database')
    with session.work() as get:             # one Tryton transaction
        get('product.template').create([...])

A host that is a percent-encoded directory (%2Frun%2Fpostgresql) is a unix
socket.  Warnings are answered yes.  Tasks that Tryton queues are run after the
commit, as its server does where it has no worker.
"""
import contextlib
import os
import sys
import warnings

if sys.version_info < (3, 9):
    sys.exit('needs the system\'s python3, the one Debian\'s Tryton is built for')
sys.dont_write_bytecode = True
# Tryton sends thousands of tiny statements: compiling them would cost more
os.environ['PGOPTIONS'] = os.environ.get('PGOPTIONS', '') + ' -c jit=off'

with warnings.catch_warnings():                     # Tryton's passwords want it; not our affair
    warnings.simplefilter('ignore')
    import crypt                                    # noqa: F401
from trytond.config import config                   # noqa: E402


class Session:
    def __init__(self, uri):
        base, slash, self.database = uri.partition('?')[0].rpartition('/')
        if not base.startswith('postgresql://') or not self.database:
            sys.exit('not postgresql://[user[:password]@]host[:port]/database: %s' % uri)
        config.set('database', 'uri', base + '/')
        config.set('cache', 'record', '10000')
        from trytond.pool import Pool               # after the configuration
        from trytond.transaction import Transaction
        self.Transaction = Transaction
        Pool.start()
        self.pool = Pool(self.database)
        with Transaction().start(self.database, 0, readonly=True):
            self.pool.init()
        with Transaction().start(self.database, 0, readonly=True):
            self.user = self.pool.get('res.user').search([('login', '=', 'admin')], limit=1)[0].id
        self.context = {'language': 'en', '_skip_warnings': True}
        self.take_company()

    def take_company(self):
        with self.Transaction().start(self.database, 0, readonly=True):
            companies = self.pool.get('company.company').search([], order=[('id', 'ASC')], limit=1)
            if companies:
                self.context.update(company=companies[0].id, companies=[companies[0].id])

    @contextlib.contextmanager
    def work(self, **context):
        """One transaction; what it queued is run when it has committed."""
        with self.Transaction().start(self.database, self.user,
                                      context=dict(self.context, **context)) as transaction:
            yield self.pool.get
            transaction.commit()
        from trytond.worker import run_task
        while transaction.tasks:
            run_task(self.pool, transaction.tasks.pop(0))
