//go:build !noui

package ui

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

// TestPreview serves the pages over the answers in e2e/browser/testdata until
// it is interrupted, for work on the pages without a server:
//
//	TRIMTAB_UI_PREVIEW=127.0.0.1:5055 go test ./ui -run TestPreview -v -timeout 0
//
// The project of the address names the answer: /ui/?project=halfway.
func TestPreview(t *testing.T) {
	address := os.Getenv("TRIMTAB_UI_PREVIEW")
	if address == "" {
		t.Skip("TRIMTAB_UI_PREVIEW names no address to serve on")
	}
	const api = "/api/trimtab/v1alpha1/{project}"
	answers := []route.Route{
		{Method: http.MethodGet, Pattern: api + "/overview", Auth: route.Public, Handle: func(w http.ResponseWriter, r *http.Request) error {
			name := r.PathValue("project")
			if name == string(trimtab.DefaultWorkspace) {
				name = "flights"
			}
			raw, err := os.ReadFile(filepath.Join("../e2e/browser/testdata", filepath.Base(name)+".json"))
			if err != nil {
				return trimtab.Errorf(trimtab.NotFound, "project "+name, "no answer is called %s", name)
			}
			w.Header().Set("Content-Type", "application/json")
			_, err = w.Write(raw)
			return err
		}},
		{Method: http.MethodGet, Pattern: api + "/overview/events", Auth: route.Public, Handle: func(w http.ResponseWriter, r *http.Request) error {
			e, err := route.Stream(w, r)
			if err != nil {
				return err
			}
			<-e.Done()
			return nil
		}},
	}
	m, err := route.New(route.Config{Prefix: os.Getenv("TRIMTAB_UI_PREFIX")}, Routes(), answers)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: m}
	go srv.Serve(l)
	fmt.Printf("http://%s%s/ui/\n", l.Addr(), os.Getenv("TRIMTAB_UI_PREFIX"))
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	srv.Close()
}
