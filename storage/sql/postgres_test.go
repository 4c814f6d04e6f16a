package sql_test

import (
	"path/filepath"
	"testing"

	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/sql/sqltest"
)

func openPostgres(t *testing.T) *sql.DB {
	t.Helper()
	return openAt(t, postgres.URL(t))
}

// TestEnginesAgree does the same on both databases.
func TestEnginesAgree(t *testing.T) {
	var clock sqltest.Still
	open := func(url string) *sql.DB {
		db, err := sql.Open(t.Context(), sql.Config{URL: url, Clock: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return sqltest.Start(t, db)
	}
	sqltest.Compare(t, &clock, open(filepath.Join(t.TempDir(), "trimtab.db")), open(postgres.URL(t)))
}

func TestPostgres(t *testing.T) { sqltest.Exercise(t, openPostgres) }
