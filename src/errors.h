/*
 * errors.h
 *	  SQLSTATEs of pg_oms, class OM.  doc/errors.md lists them for users.
 *
 * One code for each failure a caller may want to tell from the others.
 */
#ifndef OMS_ERRORS_H
#define OMS_ERRORS_H

#define OMS_SQLSTATE(a, b, c) MAKE_SQLSTATE('O', 'M', a, b, c)

/* documents and references */
#define ERRCODE_OMS_INVALID_DOCUMENT		OMS_SQLSTATE('0', '0', '1')
#define ERRCODE_OMS_UNKNOWN_REFERENCE		OMS_SQLSTATE('0', '0', '2')
#define ERRCODE_OMS_NOT_INSTALLED			OMS_SQLSTATE('0', '0', '3')
#define ERRCODE_OMS_STATUS_MOVE				OMS_SQLSTATE('0', '0', '4')
#define ERRCODE_OMS_CONFLICTING_DUPLICATE	OMS_SQLSTATE('0', '0', '5')

/* stock and sourcing */
#define ERRCODE_OMS_OUT_OF_STOCK			OMS_SQLSTATE('1', '0', '1')
#define ERRCODE_OMS_NO_NODE					OMS_SQLSTATE('1', '0', '3')

/* tax */
#define ERRCODE_OMS_NO_TAX_RATE				OMS_SQLSTATE('2', '0', '1')
#define ERRCODE_OMS_INVALID_GSTIN			OMS_SQLSTATE('2', '0', '2')

/* risk */
#define ERRCODE_OMS_NO_RISK_MODEL			OMS_SQLSTATE('3', '0', '1')

/* couriers and shipments */
#define ERRCODE_OMS_NOT_SERVICEABLE			OMS_SQLSTATE('4', '0', '1')
#define ERRCODE_OMS_NO_AWB					OMS_SQLSTATE('4', '0', '3')
#define ERRCODE_OMS_UNKNOWN_SCAN			OMS_SQLSTATE('4', '0', '4')
#define ERRCODE_OMS_LABEL					OMS_SQLSTATE('4', '0', '5')
#define ERRCODE_OMS_NDR_ACTION				OMS_SQLSTATE('4', '0', '6')

/* orders and returns */
#define ERRCODE_OMS_ORDER_HELD				OMS_SQLSTATE('5', '0', '1')
#define ERRCODE_OMS_RETURN_NOT_ALLOWED		OMS_SQLSTATE('5', '0', '2')

/* tax documents */
#define ERRCODE_OMS_INVOICE_SERIES			OMS_SQLSTATE('8', '0', '1')
#define ERRCODE_OMS_INVOICE					OMS_SQLSTATE('8', '0', '2')
#define ERRCODE_OMS_INVOICE_FIXED			OMS_SQLSTATE('8', '0', '3')

/* ERP and workers */
#define ERRCODE_OMS_ERP_PROFILE				OMS_SQLSTATE('6', '0', '1')
#define ERRCODE_OMS_ERP_ATTACHED			OMS_SQLSTATE('6', '0', '2')
#define ERRCODE_OMS_ERP_ROW					OMS_SQLSTATE('6', '0', '3')
#define ERRCODE_OMS_WORKER					OMS_SQLSTATE('7', '0', '1')

/* intake */
#define ERRCODE_OMS_INTAKE_PAYLOAD			OMS_SQLSTATE('9', '0', '1')
#define ERRCODE_OMS_INTAKE_MAP				OMS_SQLSTATE('9', '0', '2')

#endif							/* OMS_ERRORS_H */
