package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestURL(t *testing.T) {
	t.Parallel()
	a, b := URL(t), URL(t)
	if a == b {
		t.Fatalf("two tests share the database %s", a)
	}
	ctx := context.Background()
	for _, u := range []string{a, b} {
		c, err := pgx.Connect(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(ctx, "CREATE TABLE only_here (x int)"); err != nil {
			t.Errorf("%s is not empty: %v", u, err)
		}
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}
