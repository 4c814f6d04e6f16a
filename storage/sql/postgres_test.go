package sql_test

import (
	"testing"

	"github.com/trimtab/trimtab/internal/testkit/postgres"
	"github.com/trimtab/trimtab/storage/sql"
	"github.com/trimtab/trimtab/storage/sql/sqltest"
)

func openPostgres(t *testing.T) *sql.DB {
	t.Helper()
	return openAt(t, postgres.URL(t))
}

func TestPostgres(t *testing.T) { sqltest.Exercise(t, openPostgres) }
