package sql

import (
	"log/slog"
	"strings"
)

// logWriter hands the lines of a library that logs text to slog.
type logWriter struct{ log *slog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Debug("migration", "text", strings.TrimSpace(string(p)))
	return len(p), nil
}
