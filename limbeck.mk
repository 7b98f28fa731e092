# The everyday commands, each one line over `limbeck`. In your Makefile: include limbeck.mk
LIMBECK ?= limbeck
LIMBECK_PYTHON ?= python3

.PHONY: help db-generate db-generate-dev db-generate-prod db-migrate-dev db-migrate-prod \
	db-migrate-dev-script db-migrate-prod-script db-pull-dev db-pull-prod db-status \
	db-rollback-dev db-reset-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(filter %limbeck.mk,$(MAKEFILE_LIST)) $(filter-out %limbeck.mk,$(MAKEFILE_LIST))

db-generate: $(LIMBECK_READY) ## Write the next revision from the models (m="what it does")
	@$(LIMBECK) generate $(if $(m),-m "$(m)")

db-generate-dev: $(LIMBECK_READY) ## The same, for development's own versions folder
	@$(LIMBECK) generate -e development $(if $(m),-m "$(m)")

db-generate-prod: $(LIMBECK_READY) ## The same, for production's own versions folder
	@$(LIMBECK) generate -e production $(if $(m),-m "$(m)")

db-migrate-dev: $(LIMBECK_READY) ## Apply pending revisions to development
	@$(LIMBECK) migrate -e development

db-migrate-prod: $(LIMBECK_READY) ## Show the plan for production, ask, apply it
	@$(LIMBECK) migrate -e production

db-migrate-dev-script: $(LIMBECK_READY) ## The same for development, through app/migrate.py
	@$(LIMBECK_PYTHON) -m app.migrate development

db-migrate-prod-script: $(LIMBECK_READY) ## The same for production, through app/migrate.py
	@$(LIMBECK_PYTHON) -m app.migrate production

db-pull-dev: $(LIMBECK_READY) ## Show how development differs from the models
	@$(LIMBECK) pull -e development

db-pull-prod: $(LIMBECK_READY) ## Show how production differs from the models
	@$(LIMBECK) pull -e production

db-status: $(LIMBECK_READY) ## Show every environment: current, pending, drift
	@$(LIMBECK) status

db-rollback-dev: $(LIMBECK_READY) ## Take the newest revision of development back
	@$(LIMBECK) rollback -e development

db-reset-dev: $(LIMBECK_READY) ## Make development a fresh copy of its parent
	@$(LIMBECK) branches reset development --parent
