package app

import (
	"context"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/sql"
)

// changeLog reads how declarations changed: the journal, and the states beside it.
type changeLog struct {
	*sql.Journal
	resources *sql.Resources
}

func (c changeLog) States(ctx context.Context, digests []trimtab.Digest) (map[trimtab.Digest]trimtab.Resource, error) {
	return c.resources.States(ctx, digests)
}
