package app

import (
	"context"
	"io"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/storage/blob"
)

// watch is what the pages about monitors and data read.
func (s *server) watch() api.Watch {
	db := s.db
	return api.Watch{Windows: db.Windows, Contracts: db.Contracts, Snapshots: db.Snapshots, KeptOut: s.datasets, Looker: dataset.NewLooker(s.blobs), Failing: failing{s.blobs},
		Reader: monitor.NewReader(monitor.Config{Resources: db.Resources, Windows: db.Windows, Traffic: s.traffic, Incidents: db.Incidents, Models: s, Blobs: s.blobs,
			Log: s.log.With("part", "pages")})}
}

// failing reads the failing rows of contracts from the store of objects.
type failing struct{ blobs blob.Store }

func (f failing) Failing(ctx context.Context, digest trimtab.Digest, rule string, after int64, limit int) (contract.FailingPage, error) {
	return contract.Failing(ctx, f.blobs, digest, rule, after, limit)
}

func (f failing) Object(ctx context.Context, d trimtab.Digest) (io.ReadCloser, error) {
	return f.blobs.Open(ctx, d)
}
