/* Weak stand-ins so that the library links until the rooms below land; goes with them. */
#include "postgres.h"
#include "courier.h"
#include "shipment.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
__attribute__((weak)) int oms_courier_quotes(const OmsCourierRequest *req, OmsCourierQuote **q) { *q = palloc0(sizeof **q); (*q)->code="STUB"; (*q)->promised_at=req->ready_at; (*q)->courier_service_id=1; return 1; }
__attribute__((weak)) void oms_courier_outcome(int32 company_id, int32 courier_service_id,const char *region, bool cod, bool delivered,bool first_attempt, double days) {}
__attribute__((weak)) int64 oms_shipment_plan(const OmsShipmentPlan *plan) { static int64 n=0; return ++n; }
