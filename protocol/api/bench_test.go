package api_test

import (
	"testing"

	"github.com/trimtab/trimtab/protocol/api"
)

// The table is made at every start of the server, so it counts into the time to ready.
func BenchmarkRoutes(b *testing.B) {
	for b.Loop() {
		api.Routes(api.Config{})
	}
}
