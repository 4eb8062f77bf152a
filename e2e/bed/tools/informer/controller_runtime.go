package main

import (
	"context"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// runManager is how an operator watches: by the cache of a manager.
func runManager(config *rest.Config, namespace string) error {
	log.SetLogger(logr.Discard())
	running, err := manager.New(config, manager.Options{
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	forever := context.Background()
	informer, err := running.GetCache().GetInformer(forever, &corev1.ConfigMap{})
	if err != nil {
		return err
	}
	handler, err := informer.AddEventHandler(handlers)
	if err != nil {
		return err
	}
	go func() {
		if toolscache.WaitForCacheSync(forever.Done(), handler.HasSynced) {
			say("synced", nil, nil)
		}
	}()
	return running.Start(forever)
}
