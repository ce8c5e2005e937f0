// A verifier as a service in Go has it: verifier <library> <issuer> <JWKS URL> <audience>. Reads {"id", "token"} lines, answers each.
// Every option that is not there is the library's own default.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxt "github.com/lestrrat-go/jwx/v3/jwt"
)

type verify func(token string) error

type maker func(ctx context.Context, issuer, jwksURL, audience string) (verify, error)

func goOIDC(told ...string) maker {
	return func(ctx context.Context, issuer, _, audience string) (verify, error) {
		provider, err := oidc.NewProvider(ctx, issuer)
		if err != nil {
			return nil, err
		}
		verifier := provider.Verifier(&oidc.Config{ClientID: audience, SupportedSigningAlgs: told})
		return func(token string) error {
			_, err := verifier.Verify(ctx, token)
			return err
		}, nil
	}
}

func golangJWT(ctx context.Context, issuer, jwksURL, audience string) (verify, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{jwksURL})
	if err != nil {
		return nil, err
	}
	return func(token string) error {
		_, err := jwt.Parse(token, keys.Keyfunc, jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired())
		return err
	}, nil
}

func jwx(ctx context.Context, issuer, jwksURL, audience string) (verify, error) {
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		return nil, err
	}
	if err := cache.Register(ctx, jwksURL); err != nil {
		return nil, err
	}
	keys, err := cache.CachedSet(jwksURL)
	if err != nil {
		return nil, err
	}
	return func(token string) error {
		_, err := jwxt.Parse([]byte(token), jwxt.WithKeySet(keys), jwxt.WithIssuer(issuer), jwxt.WithAudience(audience))
		return err
	}, nil
}

func main() {
	libraries := map[string]maker{
		"go-oidc":       goOIDC(),
		"go-oidc, told": goOIDC(oidc.RS256, oidc.ES256),
		"golang-jwt":    golangJWT,
		"jwx":           jwx,
	}
	check, err := libraries[os.Args[1]](context.Background(), os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked struct {
			ID    int    `json:"id"`
			Token string `json:"token"`
		}
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		verdict := "valid"
		if err := check(asked.Token); err != nil {
			verdict = err.Error()
		}
		answer, _ := json.Marshal(map[string]any{"id": asked.ID, "verdict": verdict, "atMs": time.Now().UnixMilli()})
		fmt.Println(string(answer))
	}
}
