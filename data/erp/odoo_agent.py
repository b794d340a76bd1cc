# Server action for Odoo 16 to 19: does in Odoo what the OMS asks, in Odoo's
# own process, with all its checks.
#
# Settings > Technical > Scheduled Actions > New: model "Sales Order", user an
# own user "oms" with rights on sales and stock, every 1 minute, "Execute
# code": all of this file.  The role Odoo connects as needs
#     SELECT oms.grant_role('operator', 'odoo');
# To be woken at once instead of within the minute, let the OMS run, after
# its own commit, on database postgres: NOTIFY cron_trigger, '<database>'.
#
# Each call is a transaction: taken first, so that nobody else does it; what
# Odoo refuses is rolled back, reported, and asked again later.  Looked for by
# reference before anything is made, so that asked twice it is one order.

ALLOWED = ('order_create', 'order_confirm', 'shipment_pick', 'shipment_pack', 'shipment_ship', 'order_cancel')


def order_of(call):
    if call['key']:
        found = env['sale.order'].browse(int(call['key'])).exists()
        if found:
            return found
    return env['sale.order'].search([('client_order_ref', '=', call['reference'])], order='id', limit=1)


def create(call):
    found = order_of(call)
    if found:
        return found.id
    doc = call['document']
    if not doc['customer']:
        raise UserError('Odoo does not know the buyer')
    lines = []
    for line in doc['lines']:
        product = env['product.product'].browse(int(line['item']))
        # quantities of the OMS are in the product's own unit, prices without tax
        lines.append((0, 0, {'product_id': product.id, 'product_uom_qty': line['qty'], 'price_unit': line['unit_price']}))
    return env['sale.order'].create({
        'partner_id': int(doc['customer']), 'warehouse_id': int(doc['node']), 'client_order_ref': call['reference'],
        'origin': '%s %s' % (doc['channel'], doc['external_id']), 'order_line': lines}).id


def pickings_of(order):
    return order.picking_ids.filtered(lambda p: p.state not in ('done', 'cancel'))


def do(call):
    if call['kind'] == 'order_create':
        return create(call)
    order = order_of(call)
    if not order:
        raise UserError('no order with reference %s' % call['reference'])
    if call['kind'] == 'order_confirm':
        if order.state in ('draft', 'sent'):
            order.action_confirm()
    elif call['kind'] == 'order_cancel':
        if any(p.state == 'done' for p in order.picking_ids):
            raise UserError('it is picked')
        if order.state != 'cancel':
            order._action_cancel()
    elif call['kind'] == 'shipment_pick':
        pickings_of(order).action_assign()
    elif call['kind'] == 'shipment_ship':
        for picking in pickings_of(order).sorted('id'):
            for move in picking.move_ids:
                move.quantity = move.product_uom_qty        # 16: move.quantity_done
            # anything but True is a question to a person
            if picking.with_context(skip_backorder=True, skip_sms=True).button_validate() is not True:
                raise UserError('Odoo asks a question about %s' % picking.name)
    return order.id


while True:
    env.cr.execute("SELECT call_id, kind, reference, key, document FROM oms.erp_take_calls('odoo', 1)")
    row = env.cr.dictfetchone()
    env.cr.commit()
    if not row:
        break
    try:
        if row['kind'] not in ALLOWED:
            raise UserError('%s is not for this agent' % row['kind'])
        key = do(row)
        env.cr.execute('SELECT oms.erp_call_done(%s, %s)', (row['call_id'], str(key)))
    except Exception as error:
        env.cr.rollback()
        env.cr.execute('SELECT oms.erp_call_failed(%s, %s)', (row['call_id'], str(error)[:500]))
    env.cr.commit()
