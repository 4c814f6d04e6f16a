package sql_test

import (
	"path/filepath"
	"testing"

	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/sql/sqltest"
)

// openSQLite opens an empty database in a folder of the test.
func openSQLite(t *testing.T) *sql.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "trimtab.db"))
}

func openAt(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open(t.Context(), sql.Config{URL: url, Clock: sqltest.Steps()})
	if err != nil {
		t.Fatal(err)
	}
	return sqltest.Start(t, db)
}

func TestSQLite(t *testing.T) { sqltest.Exercise(t, openSQLite) }
