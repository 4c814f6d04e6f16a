package sql

import (
	"context"
	dbsql "database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/trimtab/trimtab"
)

//go:embed migrate/*.sql
var migrations embed.FS

// migrate brings the schema up to date: expand first, contract a release later,
// so that the previous release still runs on it.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrate/*.sql")
	if err != nil {
		return err
	}
	var steps []*goose.Migration
	for _, file := range files {
		raw, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fmt.Errorf("migration %s: its name begins with no number", file)
		}
		up, down, ok := strings.Cut(words[db.engine].Replace(string(raw)), "-- +goose Down")
		if !ok {
			return fmt.Errorf("migration %s has no Down part", file)
		}
		steps = append(steps, goose.NewGoMigration(version, &goose.GoFunc{RunTx: execAll(up)}, &goose.GoFunc{RunTx: execAll(down)}))
	}
	dialect := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true), goose.WithLogger(log.New(logWriter{db.log}, "", 0))}
	if db.engine == postgresEngine {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db.writer, nil, opts...)
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	want := steps[len(steps)-1].Version
	switch {
	case have > want:
		return trimtab.Errorf(trimtab.Precondition, "database", "the database has schema %d, this program knows schemas up to %d: run a newer trimtab, or restore the backup made before the upgrade", have, want)
	case have == want:
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating from schema %d to %d: %w", have, want, err)
	}
	return nil
}

func execAll(text string) func(context.Context, *dbsql.Tx) error {
	return func(ctx context.Context, tx *dbsql.Tx) error {
		_, err := tx.ExecContext(ctx, text)
		return err
	}
}
