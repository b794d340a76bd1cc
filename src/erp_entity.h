/*
 * erp_entity.h
 *	  How rows of the ERP become rows of ours, entity by entity; stock and
 *	  lots go another way (erp_apply.c).
 */
#ifndef OMS_ERP_ENTITY_H
#define OMS_ERP_ENTITY_H

#include "erp.h"

#define OMS_ERP_STEPS 4

/* Statements of each entity, those without sql are not; erp_entity_plan.c */
extern OmsPlan oms_erp_check_plans[OMS_ERP_NENTITIES];
extern OmsPlan oms_erp_put_plans[OMS_ERP_NENTITIES][OMS_ERP_STEPS];
extern OmsPlan oms_erp_gone_plans[OMS_ERP_NENTITIES][2];

/*
 * Evaluates the keys of "dirty" and writes what differs.  "added": appends
 * keys that are new to us, of what others refer to.  SPI connected, guard
 * entered.
 */
extern void oms_erp_apply_entity(OmsErp *erp, OmsErpEntity entity,
								 OmsErpDirty *dirty, OmsErpDirty *added);

/* The query failed: the entity waits for somebody to look at it. */
extern void oms_erp_pause(OmsErp *erp, OmsErpEntity entity, const char *why);

#endif							/* OMS_ERP_ENTITY_H */
