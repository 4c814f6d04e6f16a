package route

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/trimtab/trimtab"
)

// AttemptTokens finds the attempt of a token by the SHA-256 of the token in
// hexadecimal, in any workspace; NotFound when there is none.
type AttemptTokens interface {
	AttemptByToken(ctx context.Context, hash string) (trimtab.Attempt, error)
}

// attemptPrefix marks the tokens of pipeline steps; see trimtab.Random.Token.
const attemptPrefix = "ttk_"

// authenticate finds the actor. A workspace is returned when the credentials
// are bound to one.
func (m *Mux) authenticate(r *http.Request) (trimtab.Actor, trimtab.Workspace, error) {
	token, ok := bearer(r)
	if !ok || !strings.HasPrefix(token, attemptPrefix) {
		actor, err := m.cfg.Authenticate(r)
		return actor, "", err
	}
	if m.cfg.Attempts == nil {
		return trimtab.Actor{}, "", trimtab.Errorf(trimtab.Unauthenticated, "token", "this server knows no attempt tokens")
	}
	sum := sha256.Sum256([]byte(token))
	a, err := m.cfg.Attempts.AttemptByToken(r.Context(), hex.EncodeToString(sum[:]))
	switch {
	case trimtab.IsKind(err, trimtab.NotFound):
		return trimtab.Actor{}, "", trimtab.Errorf(trimtab.Unauthenticated, "token", "the attempt token is not known to this server")
	case err != nil:
		return trimtab.Actor{}, "", err
	case !a.Live():
		return trimtab.Actor{}, "", trimtab.Errorf(trimtab.Denied, "attempt "+string(a.ID()), "attempt %s has ended (%s); its writes are refused", a.ID(), a.State)
	}
	return trimtab.Actor{Kind: trimtab.ServiceActor, ID: "step " + string(a.Run) + "." + a.Step, Attempt: a.ID()}, a.Workspace, nil
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}
