package sql

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the SQLite driver

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/journal"
)

// Config says where the rows are kept. Zero fields mean the documented defaults.
type Config struct {
	URL        string         // a file path, or postgres://…
	Durability string         // "auto" (default): measured writes may lose the last 100 ms on power loss; "full": every commit is synced
	Clock      trimtab.Clock  // default the system's
	Random     trimtab.Random // default the system's
	Log        *slog.Logger   // default discards
	Key        *journal.Key   // signs checkpoints; without one none are made
	Readers    int            // pooled reading connections; default 4 or twice the cores
}

// DB is an open database. It is safe for concurrent use. Nothing is written
// until Run runs: writes wait for it.
type DB struct {
	engine engine
	cfg    Config
	log    *slog.Logger

	readers *dbsql.DB
	writer  *dbsql.DB // SQLite: one connection; PostgreSQL: the same pool as readers
	queue   chan *request
	pool    *readerPool // of SQLite

	head    *head
	closing chan struct{}
	close   sync.Once

	Experiments  *Experiments
	Runs         *Runs
	LoggedModels *LoggedModels
	Artifacts    *Artifacts
	Models       *Models
	Versions     *Versions
	Resources    *Resources
	Pipelines    *Pipelines
	Snapshots    *Snapshots
	Endpoints    *Endpoints
	Replays      *Replays
	Windows      *Windows

	Incidents   *Documents[trimtab.Incident]
	Decisions   *Documents[trimtab.Decision]
	Policies    *Documents[trimtab.PolicyState]
	Rollouts    *Documents[trimtab.Rollout]
	Evaluations *Documents[trimtab.Evaluation]
	Contracts   *Documents[trimtab.ContractResult]
	Pauses      *Documents[trimtab.Pause]
	Deliveries  *Documents[trimtab.Delivery]

	Segments *Segments
	Journal  *Journal
}

// Open opens the database and brings its schema up to date. The error says what
// to do when the database is newer than the program.
func Open(ctx context.Context, cfg Config) (db *DB, err error) {
	defer trimtab.Wrap(&err, "sql.Open(%s)", redact(cfg.URL))
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Random == nil {
		cfg.Random = trimtab.CryptoRandom
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Readers == 0 {
		cfg.Readers = max(4, 2*runtime.NumCPU())
	}
	switch cfg.Durability {
	case "", "auto", "full":
	default:
		return nil, trimtab.Errorf(trimtab.Invalid, "durability", "durability %q: expected \"auto\" or \"full\"", cfg.Durability)
	}
	db = &DB{cfg: cfg, log: cfg.Log, queue: make(chan *request, 1024), head: newHead(), closing: make(chan struct{})}
	if strings.HasPrefix(cfg.URL, "postgres://") || strings.HasPrefix(cfg.URL, "postgresql://") {
		err = db.openPostgres(ctx)
	} else {
		err = db.openSQLite(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		db.closePools()
		return nil, err
	}
	if err := db.loadHead(ctx); err != nil {
		db.closePools()
		return nil, err
	}
	db.Experiments = &Experiments{db}
	db.Runs = &Runs{db}
	db.LoggedModels = &LoggedModels{db}
	db.Artifacts = &Artifacts{db}
	db.Models = &Models{db}
	db.Versions = &Versions{db}
	db.Resources = &Resources{db}
	db.Pipelines = &Pipelines{db}
	db.Snapshots = &Snapshots{db}
	db.Endpoints = &Endpoints{db}
	db.Replays = &Replays{db}
	db.Windows = &Windows{db}
	db.documents()
	db.Segments = &Segments{db}
	db.Journal = &Journal{db}
	return db, nil
}

// pragmas of every SQLite connection. LIKE is case-sensitive, as on PostgreSQL.
const pragmas = "_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=case_sensitive_like(1)&_pragma=foreign_keys(0)&_pragma=temp_store(MEMORY)"

func (db *DB) openSQLite(ctx context.Context) error {
	db.engine = sqliteEngine
	path := strings.TrimPrefix(db.cfg.URL, "sqlite://")
	if path == "" {
		return trimtab.Errorf(trimtab.Invalid, "database", "no database given: expected a file path or postgres://…")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	dsn := (&url.URL{Scheme: "file", Path: path}).String() + "?" + pragmas
	if db.writer, err = dbsql.Open("sqlite", dsn+"&_txlock=immediate&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(4000)"); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	db.writer.SetMaxIdleConns(1)
	if err := db.writer.PingContext(ctx); err != nil { // makes the file and switches to WAL before readers come
		db.writer.Close()
		return fmt.Errorf("opening %s: %w", path, err)
	}
	if db.readers, err = dbsql.Open("sqlite", dsn+"&_pragma=query_only(1)&_pragma=cache_size(-4096)"); err != nil {
		db.writer.Close()
		return err
	}
	db.readers.SetMaxOpenConns(db.cfg.Readers)
	db.readers.SetMaxIdleConns(db.cfg.Readers)
	db.pool = newReaderPool(db.readers, db.cfg.Readers)
	return nil
}

func (db *DB) openPostgres(ctx context.Context) error {
	db.engine = postgresEngine
	cfg, err := pgx.ParseConfig(db.cfg.URL)
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "database", "the database URL does not parse: expected postgres://USER:PASSWORD@HOST:PORT/NAME")
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "trimtab"
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	if db.cfg.Durability == "full" {
		cfg.RuntimeParams["synchronous_commit"] = "on"
	}
	db.readers = stdlib.OpenDB(*cfg)
	db.readers.SetMaxOpenConns(max(16, 4*db.cfg.Readers))
	db.readers.SetMaxIdleConns(max(8, 2*db.cfg.Readers))
	db.readers.SetConnMaxIdleTime(5 * time.Minute)
	db.writer = db.readers
	if err := db.readers.PingContext(ctx); err != nil {
		db.readers.Close()
		return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "database", Msg: "PostgreSQL cannot be reached at " + redact(db.cfg.URL), Err: err}
	}
	return nil
}

// Postgres reports whether the database is PostgreSQL.
func (db *DB) Postgres() bool { return db.engine == postgresEngine }

// Close releases the database. Call it after Run has returned.
func (db *DB) Close() error {
	db.close.Do(func() { close(db.closing) })
	return db.closePools()
}

func (db *DB) closePools() error {
	if db.pool != nil {
		db.pool.close()
	}
	err := db.readers.Close()
	if db.writer != db.readers {
		if werr := db.writer.Close(); err == nil {
			err = werr
		}
	}
	return err
}

func redact(u string) string {
	p, err := url.Parse(u)
	if err != nil || p.User == nil {
		return u
	}
	return p.Redacted()
}
